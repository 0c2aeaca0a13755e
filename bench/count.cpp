#include <string>

#include "bench/callgrind.hpp"
#include "bench/selection.hpp"

namespace bench {

bool count_instructions(const std::vector<Case>& cases) {
  if (!can_count()) return false;
  for (Case counted : cases) {
    counted.shape.pairs /= 10;  // counts do not vary as times do
    const auto session = counted.subject->open(counted.shape);
    count([&] { session->run(); }, counted.subject->name + "|" + std::string{counted.shape.name} + "|" +
                                       std::to_string(counted.subject->size) + "|" + std::to_string(session->pairs()));
  }
  return true;
}

}  // namespace bench
