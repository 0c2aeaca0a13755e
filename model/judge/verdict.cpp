#include "model/judge/verdict.hpp"

namespace slabproof {

std::string Verdict::signature() const {
  switch (kind) {
    case Kind::Agreed: return "agreed";
    case Kind::Violated: return to_string(violation.invariant) + "/" + to_string(operation);
    // Only the sanitizer's name: its finding varies with what lies beside the address.
    case Kind::Died:
      return "died:" + death.substr(0, death.find(':')) + (frame.empty() ? "" : "@" + frame) + "/" +
             to_string(operation);
    case Kind::Hung: return "hung/" + to_string(operation);
  }
  return "";
}

std::string Verdict::sentence() const {
  const std::string where = " at step " + std::to_string(step) + " (" + to_string(operation) + ")";
  switch (kind) {
    case Kind::Agreed: return "agreed";
    case Kind::Violated:
      return "violated " + to_string(violation.invariant) + where + ": expected " + violation.expected + ", observed " +
             violation.observed;
    case Kind::Died: return "died" + where + ": " + death + (frame.empty() ? "" : " in " + frame);
    case Kind::Hung: return "hung" + where;
  }
  return "";
}

std::string Verdict::explanation() const {
  if (kind != Kind::Died && kind != Kind::Hung) return "";
  std::string text = due.empty() ? "" : to_string(due_invariant) + ": expected " + due + "\n";
  for (const std::string& place : frames) text += "  in " + place + "\n";
  return text;
}

}  // namespace slabproof
