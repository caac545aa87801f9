"""How people are told of something: mail. Knows nothing of calls."""
