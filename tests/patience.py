"""How long tests let a service wait for a store: far longer than one takes on a busy machine.

Only a test that silences a store waits so long.
"""

from datetime import timedelta

from service.start import Limits

LIMITS = Limits(redis_timeout=timedelta(seconds=2), statement_timeout=timedelta(seconds=4))
