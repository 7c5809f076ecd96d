"""Communication on paper: by hand, and by what must hold of it."""

import math

import pytest
from communication import CLUSTERS, Cluster, Network, network_of, section
from data_parallel import CONTROL, ONE, TWO
from data_parallel import section as parallel_section
from harness.page_sections import markdown_table, put_section

FOUR = Cluster("four", 4, 1e9, 1e-6)
SMALL = Network("small", 1_000_000, 10**9, (64, 128))


def test_the_sums_are_those_by_hand():
    assert SMALL.gradient_bytes == 4e6
    assert FOUR.sent_bytes(4e6) == 6e6  # three quarters of it, to be summed and to be spread
    assert FOUR.latency_seconds == pytest.approx(4e-6)  # two hops up, two down
    assert FOUR.all_reduce_seconds(4e6) == pytest.approx(6e-3 + 4e-6)
    assert FOUR.all_reduce_seconds(60e6) == pytest.approx(90e-3 + 3 * 4e-6)
    # Two layers, forward and backward: 8 bytes a channel, 192 channels.
    assert SMALL.norms_waiting(FOUR) == pytest.approx(2 * (2 * 4e-6 + 8 * 192 / 1e9))
    computing = SMALL.computing(256)
    assert computing == pytest.approx(256e9 / (0.2 * 989e12))
    shown = 6e-3 + 4e-6 - computing * 2 / 3
    total = computing + shown + SMALL.norms_waiting(FOUR)
    assert SMALL.efficiency(FOUR, 256) == pytest.approx(computing / total)


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_it_pays_from_the_batch_on_that_is_said_and_not_before(cluster):
    network = network_of("model-f")
    least = network.pays_from(cluster)
    assert network.efficiency(cluster, least) >= 0.5
    assert least == 1 or network.efficiency(cluster, least - 1) < 0.5
    shares = [network.efficiency(cluster, images) for images in (1, 16, 256, 4096)]
    assert shares == sorted(shares)


def test_a_network_is_read_off_its_architecture():
    resnet = network_of("resnet18")
    assert resnet.parameters == 11_173_962  # as torchvision's, with a 3 x 3 stem and ten classes
    assert len(resnet.norms) == 20
    assert resnet.flops == pytest.approx(3 * 2 * 0.5557e9, rel=0.02)  # He's count, forward thrice
    text = section([resnet])
    assert text.count("| resnet18 |") == 1 + len(CLUSTERS)


def test_a_section_is_replaced_and_the_rest_of_a_page_left(tmp_path):
    page = tmp_path / "page.md"
    put_section(page, "one", "first \\1", title="Scale")
    put_section(page, "two", "second", title="Scale")
    page.write_text(page.read_text() + "\nby hand\n")
    put_section(page, "one", "changed", title="Scale")
    text = page.read_text()
    assert text.startswith("# Scale\n\n<!-- one -->\n\nchanged\n\n<!-- end of one -->\n")
    assert "second" in text
    assert text.endswith("\nby hand\n")
    assert "first" not in text
    table = markdown_table(("a", "b"), [("x", 1)])
    assert table == "| a | b |\n| :--- | ---: |\n| x | 1 |"


def parallel(two, control):
    """What is said where the losses of two processes, and of the control, are so far off."""
    record = {"losses": [2.0, 1.0], "last_batch": 3, "train_loss": 1.5, "train_right": 7,
              "validation_accuracy": 0.5, "images_per_second": 100.0}  # fmt: skip
    found = {
        ONE: record,
        TWO: {**record, "losses": [2.0 + two[0], 1.0 + two[1]], "images_per_second": 80.0},
        CONTROL: {**record, "losses": [2.0 + control[0], 1.0 + control[1]]},
    }
    return parallel_section([found], load=0.5, optimizer="sgd", command="python x")


def test_what_two_processes_did_is_told_beside_what_rounding_does():
    text = parallel((2e-6, 4e-3), (0.0, 3e-3))
    assert "over all rounds: 4.0e-03, NOT within 1e-05" in text
    assert "That of the first step: 2.0e-06, within 1e-05" in text
    assert "the distance grows as rounding does: over all steps its median is 2.0e-03" in text
    assert "| 2 | 1.0000 | +4.0e-03 | +3.0e-03 |" in text
    assert "0.80 times as fast" in text
    assert "| 2 x 1 | 80 |" in text
    assert "first step: 2.0e-05, NOT within" in parallel((2e-5, 0.0), (0.0, 0.0))
    assert "over all rounds: 9.0e-06, within 1e-05" in parallel((0.0, 9e-6), (0.0, 0.0))
    assert "FASTER than rounding" in parallel((0.0, math.pi), (0.0, 1e-3))
