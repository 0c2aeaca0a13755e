#include "fuzz/chain/chain.hpp"

#include <cstring>

namespace slabproof {
namespace {

constexpr std::string_view beginning = "slabproof chain ", version = "1 ";

void put(std::string& out, std::uint32_t number) { out.append(reinterpret_cast<const char*>(&number), sizeof number); }

std::uint32_t take(std::string_view& rest) {
  std::uint32_t number;
  std::memcpy(&number, rest.data(), sizeof number);
  rest.remove_prefix(sizeof number);
  return number;
}

}  // namespace

const char* to_string(InputKind kind) {
  switch (kind) {
    case InputKind::Program: return "program";
    case InputKind::Geometry: return "geometry";
    case InputKind::Text: return "text";
  }
  return "";
}

std::uint64_t Chain::count() const {
  std::uint64_t sum = 0;
  for (const Input& input : inputs) sum += input.times;
  return sum;
}

bool is_chain(std::string_view content) { return content.starts_with(beginning); }

std::string chain_header(InputKind kind) {
  return std::string{beginning} + std::string{version} + to_string(kind) + "\n";
}

std::optional<Chain> parse_chain(std::string_view content, std::string& why) {
  for (const InputKind kind : {InputKind::Program, InputKind::Geometry, InputKind::Text}) {
    const std::string header = chain_header(kind);
    if (!content.starts_with(header)) continue;
    Chain chain{kind, {}};
    std::string_view rest = content.substr(header.size());
    while (rest.size() >= 2 * sizeof(std::uint32_t)) {
      const std::uint32_t times = take(rest), size = take(rest);
      if (times == 0) break;
      if (size > rest.size())
        return why = "is cut off in the middle of input " + std::to_string(chain.inputs.size() + 1), std::nullopt;
      chain.inputs.push_back({times, rest.substr(0, size)});
      rest.remove_prefix(size);
    }
    if (chain.inputs.empty()) return why = "is a chain without an input", std::nullopt;
    return chain;
  }
  why = "expected a chain's first line, \"slabproof chain 1\" and program, geometry or text";
  return std::nullopt;
}

std::string to_bytes(const Chain& chain) {
  std::string out = chain_header(chain.kind);
  for (const Chain::Input& input : chain.inputs) {
    put(out, input.times);
    put(out, static_cast<std::uint32_t>(input.bytes.size()));
    out += input.bytes;
  }
  return out;
}

}  // namespace slabproof
