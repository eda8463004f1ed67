"""Which nova-computes are down."""

from hypothesis import given
from hypothesis import strategies as st

from actors.nova.models import ComputeService
from actors.nova.reports import Reports

DOWN_TIME = 60.0
HOSTS = st.sampled_from("abcd")
SKEWS = st.sampled_from([0, 0, -5, 5, -61, 61, 200])
NOTES = st.tuples(st.floats(0, 40), HOSTS, st.booleans(), SKEWS)
LOOKS = st.tuples(st.floats(0, 40), st.none(), st.none(), SKEWS)


@given(st.lists(NOTES | LOOKS, max_size=40))
def test_whoever_looks_sees_what_a_look_at_each_service_would_show_whatever_clocks_say(steps):
    reports, rows, time = Reports(), {}, 1000.0
    for seconds, host, disabled, skew in steps:
        time += seconds
        if host is None:
            now = time + skew
            down = {name for name, row in rows.items() if row.disabled or not row.is_up(now, DOWN_TIME)}
            assert reports.down(now, DOWN_TIME).keys() == down
        else:
            rows[host] = ComputeService(binary="nova-compute", host=host, disabled=disabled, last_seen_up=time + skew)
            reports.note(rows[host])
