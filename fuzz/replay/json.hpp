#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace slabproof {

bool is_utf8(std::string_view text);

/// A JSON string that may stand in a page's script. A byte that is not UTF-8 becomes a lone surrogate, as in Python's
/// file names, so that every name can be restored.
std::string quoted(std::string_view text);

/// A JSON object, member by member.
class JsonObject {
 public:
  void add(std::string_view key, const char* text) { add(key, std::string_view{text}); }
  void add(std::string_view key, std::string_view text) { add_as_it_is(key, quoted(text)); }
  void add(std::string_view key, std::uint64_t number) { add_as_it_is(key, std::to_string(number)); }
  void add(std::string_view key, std::span<const std::string> texts);
  void add(std::string_view key, bool value) { add_as_it_is(key, value ? "true" : "false"); }
  void add_null(std::string_view key) { add_as_it_is(key, "null"); }
  /// Null when there is no text.
  void add_if_any(std::string_view key, std::string_view text) { text.empty() ? add_null(key) : add(key, text); }
  [[nodiscard]] std::string text() const { return "{" + members_ + "}"; }

 private:
  void add_as_it_is(std::string_view key, const std::string& value);
  std::string members_;
};

}  // namespace slabproof
