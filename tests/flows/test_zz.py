import random

from tests.flows.queue_stage import *


def test_x():
    bad=0; talked=0
    for seed in range(60):
        rnd=random.Random(seed); delays=tuple(rnd.choice((0.0005,0.004,0.008)) for _ in range(97))
        for n in range(-4,40,2):
            async def act(scene, n=n):
                scene.queue(welcome=identity("hello"), ring_seconds=60)
                scene.asterisk.media_seconds[prompt("hello")] = 1.0
                scene.agent("1001", Phone(rings=0.01, answers=0.3 + n * 0.00025))
                scene.calls(hangs_up=4)
            s=told(act, delays=delays, left=True)
            r=[(v) for v,_ in s.asterisk.requests]
            talked+=len(s.asterisk.together)
            if s.asterisk.spoken_to_too_late: bad+=1
            if n==12 and seed<6: print(r)
    print("BAD",bad,talked)
