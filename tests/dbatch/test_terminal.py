"""The program on a terminal: one live line, colours where they are wanted, a question before a cancel."""

from __future__ import annotations

from pathlib import Path

from bench.programs import Service, chat_line, jsonl
from tests.dbatch.running import dbatch, on_terminal, plain


def test_one_live_line(service: Service, requests: Path) -> None:
    """The line is written over, and gone at the end; what is left are sentences."""
    code, shown = on_terminal(service.url, "submit", str(requests), "--watch")

    assert code == 3
    assert "\r\x1b[2K" in shown
    assert "4 of 5 requests answered" in plain(shown)


def test_tables_have_colours_unless_refused(service: Service) -> None:
    """NO_COLOR is respected."""
    code, shown = on_terminal(service.url, "list")
    assert code == 0
    assert "\x1b[33mcompleted, 4 of 5" in shown
    code, shown = on_terminal(service.url, "list", NO_COLOR="1")
    assert "\x1b[3" not in shown


def test_a_dumb_terminal_gets_plain_lines(service: Service, requests: Path) -> None:
    """TERM=dumb: no escape at all."""
    code, shown = on_terminal(service.url, "submit", str(requests), "--watch", TERM="dumb")

    assert code == 3
    assert "\x1b" not in shown


def test_cancel_asks(service: Service, tmp_path: Path) -> None:
    """It names the batch, and takes no for an answer."""
    path = tmp_path / "requests.jsonl"
    path.write_bytes(jsonl(chat_line(1, "[[latency=60000]]")))
    batch_id = dbatch(service.url, "submit", path)[0].strip()

    code, shown = on_terminal(service.url, "cancel", batch_id, typed=b"n\n")
    assert code == 1
    assert f"Cancel {batch_id}, 0 of 1 request answered? [y/N]" in plain(shown)
    code, _ = on_terminal(service.url, "cancel", batch_id, typed=b"y\n")
    assert code == 0


def test_delete_asks_for_the_id(service: Service, requests: Path) -> None:
    """Anything else that is typed deletes nothing."""
    batch_id = dbatch(service.url, "submit", requests, "--watch", exits=3)[0].strip()

    code, shown = on_terminal(service.url, "delete", batch_id, "--erase", typed=b"y\n")
    assert code == 1
    assert f"This deletes {batch_id}, with its requests and answers. Type its id to do so:" in plain(shown)
    assert "nothing was deleted" in plain(shown)
    code, _ = on_terminal(service.url, "delete", batch_id, typed=f"{batch_id}\n".encode())
    assert code == 0
    dbatch(service.url, "watch", batch_id, exits=1)
