"""Which targets are fuzzed next: more for productive targets, and something for all."""

import math

TURN_SECONDS = 600
LEAST_SHARE = 0.25


def turns(targets, jobs, seconds):
    """(how many turns, the length of one) so that with equal shares each target has the same time in all."""
    a_round = targets // math.gcd(targets, jobs)
    count = a_round * min(1000, math.ceil(seconds / (a_round * TURN_SECONDS)))
    return count, seconds / count


def share(barren_seconds):
    """The share of a target that was fuzzed for so long without a find: half for each whole turn of it."""
    return max(LEAST_SHARE, 0.5 ** (barren_seconds // TURN_SECONDS))


def choose(weighed, jobs):
    """The targets of the next turn, one a job, twice only where there are fewer targets than jobs. `weighed` is the
    time that each had, divided by its share then: the least comes next. So with n targets and one job a target has
    at least one in 1 + (n - 1) / LEAST_SHARE turns. Stride scheduling after Waldspurger and Weihl, 1995."""
    chosen = []
    for _ in range(jobs):
        chosen.append(min(weighed, key=lambda target: (chosen.count(target), weighed[target])))
    return chosen
