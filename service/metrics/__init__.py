"""What the service counts and measures, for Prometheus.

`catalogue` is all of it by name, `metering` what the rest of the service calls, `causes` the words
that failures are counted by, `files` how the processes of one service share their counts, `gauges`
what is read once a second, `page` the answer to `GET /metrics`.
"""
