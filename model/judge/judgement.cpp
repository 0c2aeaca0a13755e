#include <string>
#include <utility>

#include "model/judge/verdict.hpp"

namespace slabproof {

void Judgement::violate(Invariant invariant, Cause cause, std::string expected, std::string observed) {
  if (!violation_) violation_ = Violation{invariant, cause, std::move(expected), std::move(observed)};
}

}  // namespace slabproof
