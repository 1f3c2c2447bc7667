"""The benchmark's arithmetic."""

import pytest
from ratios import Ratio, best_peer, compare, markdown, ratio


def result(client, number, ops_s, **fields):
    told = {"language": "python", "workload": "get16_seq", "client": client, "round": number}
    figures = {"ops_s": ops_s, "p50_us": 1.0, "p99_us": 2.0, "cpu_us": 4.0}
    return {**told, **figures, **fields}


def results(client, *ops_s):
    return [result(client, number, ops) for number, ops in enumerate(ops_s)]


def test_a_ratio_is_the_median_of_the_rounds_ratios():
    # Round by round 2, 3 and 0.5; the ratio of the medians would be 300 / 200.
    found = ratio(results("a", 200, 300, 500), results("b", 100, 100, 1000), "ops_s")
    assert found == Ratio(median=2, lowest=0.5, highest=3)


def test_only_rounds_that_both_have_count():
    mine = [result("a", 0, 100), result("a", 2, 900)]
    base = [result("b", 1, 1), result("b", 2, 300)]
    assert ratio(mine, base, "ops_s") == Ratio(3, 3, 3)
    assert ratio(mine, [], "ops_s") is None


def test_neither_ours_nor_a_raw_socket_is_the_best_peer():
    clients = {
        "outlast": results("outlast", 9),
        "raw-net": results("raw-net", 8),
        "slow": results("slow", 1, 5, 1),
        "quick": results("quick", 2, 2, 2),
    }
    assert best_peer(clients) == "quick"
    assert best_peer({"outlast": results("outlast", 9)}) is None


def test_what_is_slower_is_less_and_what_uses_more_is_more():
    mine = [result("outlast", 0, 300, cpu_us=1.0, p99_us=3.0)]
    (comparison,) = compare([*mine, *results("peer", 100)])
    row = comparison.row("outlast")
    assert [one.client for one in comparison.rows] == ["outlast", "peer"]
    assert row.ops_ratio.median == pytest.approx(3)
    assert row.cpu_ratio.median == pytest.approx(0.25)
    assert row.p99_ratio.median == pytest.approx(1.5)


def test_languages_and_workloads_are_not_mixed():
    other = result("outlast", 0, 5, workload="get16_t8")
    node = result("outlast", 0, 7, language="node")
    found = compare([*results("peer", 100), other, node])
    assert [(one.language, one.workload, one.best_peer) for one in found] == [
        ("python", "get16_seq", "peer"),
        ("python", "get16_t8", None),
        ("node", "get16_seq", None),
    ]


def test_the_table_says_what_cannot_be_done_yet():
    told = {"language": "python", "workload": "get16_pipe100", "client": "outlast", "round": 0}
    peer = result("peer", 0, 1234, workload="get16_pipe100")
    text = markdown(compare([{**told, "not_yet": True}, peer]), ["# Title"])
    assert "| get16_pipe100 | not yet | peer | 1,234 | - | - | - | - |" in text
    assert "| get16_pipe100 | outlast | not yet |" in text
