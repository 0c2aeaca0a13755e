#pragma once

#include "model/judge/verdict.hpp"

namespace slabproof {

/// The word for a kind of verdict in JSON, of --json and of a page alike.
constexpr const char* outcome_of(Verdict::Kind kind) {
  switch (kind) {
    case Verdict::Kind::Agreed: return "agreed";
    case Verdict::Kind::Violated: return "violated";
    case Verdict::Kind::Died: return "died";
    case Verdict::Kind::Hung: return "hung";
  }
  return "";
}

}  // namespace slabproof
