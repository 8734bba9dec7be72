"""The four calls of EMR that a submission makes, on a port of loopback; a job is over at once."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from jobs.emr.driver import Outcome
from jobs.emr.objects import S3Url
from tests.s3 import S3Server


@dataclass
class EmrServer:
    """An EMR whose clusters end as `outcome` says, which their driver writes to S3."""

    s3: S3Server
    outcome: Outcome
    endpoint: str = ""
    started: list[dict[str, Any]] = field(default_factory=list)

    def answer(self, call: str, _body: dict[str, Any]) -> dict[str, Any]:
        """What EMR answers to a call."""
        if call == "ListClusters":
            return {"Clusters": []}
        if call == "RunJobFlow":
            self.started.append(_body)
            url = S3Url.of(self.words[self.words.index("--outcome") + 1])
            self.s3.client().put_object(Bucket=url.bucket, Key=url.key, Body=self.outcome.to_json())
            return {"JobFlowId": f"j-{len(self.started)}"}
        done = not self.outcome.exit_code
        if call == "DescribeCluster":
            state = "TERMINATED" if done else "TERMINATED_WITH_ERRORS"
            return {"Cluster": {"Status": {"State": state, "StateChangeReason": {}}}}
        assert call == "ListSteps"
        return {"Steps": [{"Status": {"State": "COMPLETED" if done else "FAILED"}}]}

    @property
    def words(self) -> list[str]:
        """The words of the step of the cluster that was started last."""
        (step,) = self.started[-1]["Steps"]
        return list(step["HadoopJarStep"]["Args"])


@contextmanager
def an_emr(s3: S3Server, outcome: Outcome) -> Iterator[EmrServer]:
    """A running server."""
    emr = EmrServer(s3, outcome)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            call = self.headers["X-Amz-Target"].partition(".")[2]
            content = json.dumps(emr.answer(call, body)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_words: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        emr.endpoint = f"http://127.0.0.1:{server.server_port}"
        yield emr
        server.shutdown()
