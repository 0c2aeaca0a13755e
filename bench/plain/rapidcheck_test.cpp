// Plain RapidCheck: a list of steps, and that they run.
#include <cstdio>

#include <rapidcheck.h>

#include "bench/plain/model.hpp"

template <>
struct rc::Arbitrary<Step> {
  static Gen<Step> arbitrary() {
    return gen::build<Step>(gen::set(&Step::kind), gen::set(&Step::a), gen::set(&Step::b));
  }
};

void showValue(const Step& step, std::ostream& out) { out << +step.kind << ' ' << +step.a << ' ' << +step.b; }

int main() {
  long programs = 0;
  bool has_failed = false;
  const bool holds = rc::check([&](const std::vector<Step>& steps) {
    if (!has_failed) std::printf("\rprogram %ld, %zu steps", ++programs, steps.size()), std::fflush(stdout);
    const bool ran = runs<Tested>(steps);
    has_failed |= !ran;
    RC_ASSERT(ran);
  });
  return holds ? 0 : 1;
}
