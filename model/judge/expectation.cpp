#include "model/judge/expectation.hpp"

namespace slabproof {

std::string Expectation::text() const {
  std::string text = words ? words : "";
  if (const std::size_t place = text.find('%'); place != std::string::npos)
    text.replace(place, 1, name ? name : std::to_string(number));
  return text;
}

}  // namespace slabproof
