"""gunicorn's worker process as Ontem runs it: clients wait in a loop, whole requests get a thread.

`worker` is the loop, `connection` one client, `head` and `refusals` what is read and refused before
a body, `threads` and `answer` how a whole request is answered.
"""
