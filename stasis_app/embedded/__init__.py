"""The whole exchange as child processes of one supervisor: `pbx up`, and the tests."""
