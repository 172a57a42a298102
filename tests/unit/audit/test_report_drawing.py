# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The drawing of a cluster: what it shows, and that it can be read."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from ansible_collections.opendba.mysql_ha.plugins.module_utils._audit_report_drawing import drawing
from ansible_collections.opendba.mysql_ha.plugins.module_utils._audit_report_graph import graph
from ansible_collections.opendba.mysql_ha.plugins.module_utils._audit_report_layout import (
    LABEL,
    SCREEN,
    Drawing,
    Placed,
    Point,
    lay_out,
)
from unit.audit import report_samples as samples

SHAPES: dict[str, Any] = {
    **{f"{number} replicas": samples.many_replicas(number) for number in (2, 3, 4, 5, 7, 10, 13, 20, 60)},
    **{f"chain of {number}": samples.chain(number=number) for number in (2, 3, 20)},
    **{f"ring of {number}": samples.ring(number=number) for number in (2, 3, 5, 9)},
    "dual source": samples.dual_source(),
    **{f"sample {cluster['name']}": cluster for cluster in samples.sample()["clusters"]},
    "nothing": samples.cluster("nothing", []),
}


def draw(cluster: dict[str, Any], **hosts: dict[str, Any]) -> Drawing:
    return lay_out(graph(cluster, hosts))


@pytest.fixture(params=SHAPES)
def drawn(request: pytest.FixtureRequest) -> Drawing:
    return draw(SHAPES[request.param])


def inside(point: Point, box: Placed, by: float = 0.5) -> bool:
    return box.x + by < point[0] < box.x + box.width - by and box.y + by < point[1] < box.y + box.height - by


def test_boxes_are_apart_and_in_the_picture(drawn: Drawing) -> None:
    for one, other in itertools.combinations(drawn.boxes, 2):
        apart = (
            one.x + one.width + 8 <= other.x or other.x + other.width + 8 <= one.x
            or one.y + one.height + 8 <= other.y or other.y + other.height + 8 <= one.y
        )  # fmt: skip
        assert apart, (one.box.title, other.box.title)
    for box in drawn.boxes:
        assert box.x >= 0
        assert box.y >= 9  # the badge stands over the edge
        assert box.x + box.width + 8 <= drawn.width
        assert box.y + box.height <= drawn.height


def test_lines_are_level_or_upright_and_pass_through_no_box(drawn: Drawing) -> None:
    for route in drawn.routes:
        for (x, y), (to_x, to_y) in itertools.pairwise(route.points):
            assert x == to_x or y == to_y
            for part in range(51):
                point = (x + (to_x - x) * part / 50, y + (to_y - y) * part / 50)
                assert 0 <= point[0] <= drawn.width
                assert 0 <= point[1] <= drawn.height
                assert not [box.box.title for box in drawn.boxes if inside(point, box)], route.line.text


def test_arrows_begin_at_their_source_and_end_at_their_target(drawn: Drawing) -> None:
    boxes = {placed.box.key: placed for placed in drawn.boxes}
    for route in drawn.routes:
        for point, key in ((route.points[0], route.line.source), (route.points[-1], route.line.target)):
            box = boxes[key]
            assert box.x - 0.5 <= point[0] <= box.x + box.width + 0.5
            assert box.y - 0.5 <= point[1] <= box.y + box.height + 0.5


def test_no_two_arrows_end_in_one_place(drawn: Drawing) -> None:
    ends = [route.points[-1] for route in drawn.routes]
    assert len(set(ends)) == len(ends)


def test_lines_of_different_sources_share_no_piece(drawn: Drawing) -> None:
    pieces: dict[tuple[str, float], list[tuple[float, float, object]]] = {}
    for route in drawn.routes:
        for (x, y), (to_x, to_y) in itertools.pairwise(route.points):
            way, at, reach = ("up", x, (y, to_y)) if x == to_x else ("along", y, (x, to_x))
            if max(reach) - min(reach) > 1:
                pieces.setdefault((way, round(at, 1)), []).append((min(reach), max(reach), route.line.source))
    for way, found in pieces.items():
        for one, other in itertools.combinations(found, 2):
            if one[2] != other[2]:
                assert min(one[1], other[1]) <= max(one[0], other[0]) + 1, (way, one, other)


def test_labels_have_room(drawn: Drawing) -> None:
    for route in drawn.routes:
        if route.line.label:
            x, y = route.label
            assert not [
                box for box in drawn.boxes if any(inside((x - part, y - 8), box) for part in range(0, LABEL, 4))
            ]
    spots = sorted(route.label for route in drawn.routes if route.line.label)
    for (x, y), (other_x, other_y) in itertools.pairwise(spots):
        assert abs(x - other_x) >= LABEL or abs(y - other_y) >= 14


@pytest.mark.parametrize("number", [2, 5, 10, 20])
def test_usual_clusters_fit_on_a_screen(number: int) -> None:
    assert draw(samples.many_replicas(number)).width <= SCREEN + 30


def test_the_same_cluster_gives_the_same_drawing() -> None:
    one, other = (drawing(samples.many_replicas(), {}, {})[0] for _time in range(2))
    assert one == other


def test_sources_stand_above_their_replicas_and_rings_side_by_side() -> None:
    boxes = {placed.box.title: placed for placed in draw(samples.many_replicas(20)).boxes}
    assert boxes["shop-00"].y < boxes["shop-01"].y < boxes["shop-19"].y
    boxes = {placed.box.title: placed for placed in draw(samples.ring(number=3)).boxes}
    assert boxes["ring1"].y == boxes["ring2"].y == boxes["ring3"].y < boxes["both"].y


def test_names_lose_their_domain_only_where_they_stay_different() -> None:
    cluster = samples.cluster("c", ["db.a.example", "db.b.example"], instances=[samples.instance("db.a.example")])
    assert [placed.box.title for placed in draw(cluster).boxes] == ["db.a.example", "db.b.example"]


def test_lines_say_lag_and_state() -> None:
    drawn = draw(samples.many_replicas(20))
    said = {
        (route.line.target[1].split(".")[0], route.line.state, route.line.label)
        for route in drawn.routes
        if route.line.label
    }
    assert {("shop-01", "good", "0.04 s"), ("shop-03", "bad", "stopped"), ("shop-06", "slow", "2 h"),
            ("shop-08", "slow", "connecting")} <= said  # fmt: skip
    assert any("1236: purged" in route.line.text for route in drawn.routes)


def test_a_delay_that_is_wanted_is_no_lag() -> None:
    cluster = samples.cluster(
        "c", ["a", "b"], instances=[samples.instance("a", "writer"), samples.instance("b")],
        channels=[samples.channel("b", "a", lag_seconds=3620.0, delay=3600)],
    )  # fmt: skip
    [route] = draw(cluster).routes
    assert (route.line.state, "3600 s on purpose" in route.line.text) == ("good", True)


def test_a_vip_leads_to_its_holder_and_to_those_who_may() -> None:
    vips = [
        samples.vip("192.0.2.9", ["a"], ["b"]),
        samples.vip("192.0.2.10", ["a", "b"], []),
        samples.vip("192.0.2.11", [], ["a"]),
    ]
    cluster = samples.cluster(
        "c", ["a", "b"], instances=[samples.instance("a", "writer"), samples.instance("b")], vips=vips
    )
    drawn = draw(cluster)
    states = {(route.line.source[1], route.line.target[1]): route.line.state for route in drawn.routes}
    assert states == {
        ("192.0.2.9", "a"): "good", ("192.0.2.9", "b"): "idle", ("192.0.2.10", "a"): "bad", ("192.0.2.10", "b"): "bad",
        ("192.0.2.11", "a"): "idle",
    }  # fmt: skip
    boxes = {placed.box.title: placed.box for placed in drawn.boxes}
    assert [boxes[f"192.0.2.{number}"].state for number in (9, 10, 11)] == ["good", "bad", "bad"]
    assert boxes["192.0.2.11"].lines[-1] == "on no host"


def test_balancers_that_stand_in_for_each_other_are_one_box() -> None:
    drawn = draw(samples.many_replicas(5))
    pools = [placed.box for placed in drawn.boxes if placed.box.kind == "pool"]
    assert [(pool.title, pool.lines[-1]) for pool in pools] == [
        ("writes", "on shop-proxy1, shop-proxy2"), ("reads", "on shop-proxy1, shop-proxy2"),
    ]  # fmt: skip
    down = [route.line for route in drawn.routes if route.line.source[0] == "pool" and route.line.state == "bad"]
    assert [entry.target[1].split(".")[0] for entry in down] == ["shop-03"]


def test_more_balanced_services_than_can_be_drawn_are_counted() -> None:
    balancers = [samples.balancer("haproxy", "p", f"pool{number}", ["a"], f"*:{3306 + number}") for number in range(25)]
    cluster = samples.cluster("c", ["a", "p"], instances=[samples.instance("a", "writer")], balancers=balancers)
    _image, left_out = drawing(cluster, {}, {})
    assert left_out == 15
