#include "properties/explore/subject/command_line.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace slabproof {
namespace {

constexpr std::size_t live_at_most = 64, few_live = 4, all_live = 8;
constexpr std::size_t memory_at_least = 262'144, objects_of_memory = 64;
constexpr std::size_t limit_at_most = 500'000'000;

using Numbers = std::vector<std::uint32_t>;

/// Decimal numbers between commas, each from `least` to `most`; nothing if `text` is none.
Numbers numbers_in(const std::string& text, std::size_t least, std::size_t most) {
  Numbers numbers;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    const std::string word = text.substr(at, end - at);
    if (word.empty() || word.size() > 9 || word.find_first_not_of("0123456789") != word.npos) return {};
    const unsigned long number = std::stoul(word);
    if (number < least || number > most) return {};
    numbers.push_back(static_cast<std::uint32_t>(number));
    at = end + 1;
  }
  std::sort(numbers.begin(), numbers.end());
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
  return numbers;
}

/// The least size that is accepted, the most, and one near the middle of their logarithms that leaves no gap in a block
/// of 16 bytes and a multiple, of which a word is the allocator's.
Numbers usual_sizes(const SizeLimits& accepts) {
  const auto middle = static_cast<std::uint32_t>(std::sqrt(static_cast<double>(accepts.least) * accepts.most));
  Numbers sizes{accepts.least, accepts.nearest(middle / 16 * 16 + 8), accepts.nearest(accepts.most)};
  sizes.erase(std::unique(sizes.begin(), sizes.end()), sizes.end());
  return sizes;
}

}  // namespace

const char* const subject_explorer_help =
    "usage: NAME_explore [--live N] [--sizes N,...] [--aligns N,...] [--memory BYTES] [--limit STATES]\n"
    "                    [--output FOLDER]\n"
    "\n"
    "Every program of a subject, of any length, in which few objects live at once: every state that it can be in,\n"
    "breadth first, if its state lies in its object, in the memory that it took, and in the globals that it names\n"
    "(docs/subjects.md). Each is tried with every request for memory refused. A failure is shown as a shortest\n"
    "program, and written as a trace for NAME_replay.\n"
    "\n"
    "--live N         objects at once (its capacity, if that is at most 8; else 4)\n"
    "--sizes N,...    bytes asked for; of a pool a world for each (the least that it accepts, the most, one between)\n"
    "--aligns N,...   alignments, each with each size (1, and the most that it accepts: of a pool for the largest\n"
    "                 objects alone)\n"
    "--memory BYTES   that it may have taken; nothing follows a state in which it has more (64 of the\n"
    "                 largest objects, at least 262144)\n"
    "--limit STATES   of a world, of some 40 bytes each (1000000)\n"
    "--output FOLDER  where a failure is written (found)\n"
    "\n"
    "exit: 0 nothing wrong and each world complete, 1 a defect, 2 nothing is claimed: not complete, or its state lies\n"
    "elsewhere too, or it could not run";

std::optional<SubjectCommandLine> subject_command_line(const std::vector<std::string>& arguments,
                                                       const Language& language, std::size_t capacity,
                                                       std::string& why) {
  SubjectCommandLine line;
  const SizeLimits& accepts = language.sizes;
  Numbers sizes = usual_sizes(accepts), aligns;
  SubjectBounds bounds{.sizes = {}, .aligns = {}, .memory = 0};
  bounds.live = capacity > 0 && capacity <= all_live ? capacity : few_live;
  const auto wrong = [&](const std::string& words) {
    why = words;
    return std::nullopt;
  };
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& option = arguments[i];
    if (option == "--help" || option == "-h") return line.help = true, line;
    const std::string known[] = {"--live", "--sizes", "--aligns", "--memory", "--limit", "--output"};
    if (std::find(std::begin(known), std::end(known), option) == std::end(known))
      return wrong(option + ": unknown option");
    if (++i == arguments.size() || arguments[i].empty()) return wrong(option + ": its argument is missing");
    const std::string& value = arguments[i];
    const std::string said = option + " " + value + ": ";
    if (option == "--output") {
      line.folder = value;
    } else if (option == "--sizes") {
      sizes = numbers_in(value, 1, SizeLimits::most_possible);
      if (sizes.empty() || !std::all_of(sizes.begin(), sizes.end(), [&](auto n) { return accepts.allows_size(n); }))
        return wrong(said + "it accepts sizes from " + std::to_string(accepts.least) + " to " +
                     std::to_string(accepts.most) + ", multiples of " + std::to_string(accepts.multiple_of));
    } else if (option == "--aligns") {
      aligns = numbers_in(value, 1, SizeLimits::max_align_possible);
      if (aligns.empty() || !std::all_of(aligns.begin(), aligns.end(), [&](auto n) { return accepts.allows_align(n); }))
        return wrong(said + "it accepts powers of two up to " + std::to_string(accepts.max_align));
    } else {
      const std::size_t most = option == "--live"     ? live_at_most
                               : option == "--memory" ? Arena::slab_region
                                                      : limit_at_most;
      const Numbers number = numbers_in(value, 1, most);
      if (number.size() != 1) return wrong(said + "no number from 1 to " + std::to_string(most));
      (option == "--live" ? bounds.live : option == "--memory" ? bounds.memory : line.limit) = number[0];
    }
  }
  if (bounds.memory == 0)
    bounds.memory =
        std::min(Arena::slab_region, std::max<std::size_t>(memory_at_least, objects_of_memory * sizes.back()));
  const bool is_usual = aligns.empty();
  if (is_usual) aligns = {1};
  if (is_usual && accepts.max_align > 1) aligns.push_back(accepts.max_align);
  if (sizes.size() * (aligns.size() + 2) > SubjectWorld::most_choices / 2)
    return wrong("these are too many sizes and alignments for one world");
  if (language.shape == Shape::Heap) {
    bounds.sizes = sizes;
    bounds.aligns = aligns;
    line.worlds.push_back(bounds);
    return line;
  }
  for (const std::uint32_t size : sizes)
    for (const std::uint32_t align : aligns) {
      if (is_usual && align > 1 && size != sizes.back()) continue;
      bounds.sizes = {size};
      bounds.aligns = {align};
      line.worlds.push_back(bounds);
    }
  return line;
}

}  // namespace slabproof
