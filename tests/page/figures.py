"""`python -m tests.page.figures`: what the first view loads and how long it takes with nothing kept; docs/page.md has them."""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path

from bench.programs import Mock, Service
from tests.page.browser import Visitor, running

TIMES = 7
_READ = """async () => {
    const files = [performance.getEntriesByType("navigation")[0], ...performance.getEntriesByType("resource")];
    const first = performance.getEntriesByName("first-contentful-paint")[0];
    return [files.length, ...["decodedBodySize", "encodedBodySize"].map(
        size => files.reduce((sum, file) => sum + file[size], 0)), first.startTime];
}"""


def main() -> int:
    with tempfile.TemporaryDirectory() as name, running() as browser:
        folder = Path(name)
        mock = Mock(folder)
        mock.start()
        service = Service(folder, mock.url)
        service.start()
        found = []
        for _ in range(TIMES):
            visitor = Visitor(browser, service.url)
            visitor.page.goto(service.url, wait_until="networkidle")
            found.append(visitor.page.evaluate(_READ))
            visitor.context.close()
        service.stop()
        mock.stop()
    files, size, packed, _ = found[-1]
    first = statistics.median(each[3] for each in found)
    print(f"{files} files, {size / 1000:.1f} kB, {packed / 1000:.1f} kB packed; first paint after {first:.0f} ms, cold")
    return 0


if __name__ == "__main__":
    sys.exit(main())
