#include "properties/saved_program.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string_view>
#include <vector>

#include "model/execution/event_log.hpp"
#include "model/program/codec.hpp"

namespace slabproof {

namespace {

/// Why nothing may be written into a folder of crashes: it belongs to another version. Empty if it may be.
std::string refusal(const std::filesystem::path& folder) {
  constexpr std::string_view formats[] = {"1", "2"};  // as ci/campaign/out_format.py has them
  const std::filesystem::path out = folder.has_filename() ? folder.parent_path() : folder.parent_path().parent_path();
  std::ifstream file{out / "format"};
  if (!file) return "";
  std::string found;
  std::getline(file, found);
  if (std::ranges::find(formats, found) != std::end(formats)) return "";
  return out.string() + " is of another format than this version writes; move it away";
}

}  // namespace

SavedProgram save_program(const Program& program, const std::string& folder, const std::string& engine) {
  if (const std::string why = refusal(folder); !why.empty()) return {"", why};
  const std::vector<std::uint8_t> bytes = encode(program);
  EventLog hash;
  for (const std::uint8_t byte : bytes) hash.add(byte);
  std::error_code ignored;
  std::filesystem::create_directories(folder, ignored);
  std::ostringstream name;
  name << folder << "/" << engine << "-" << std::hex << hash.digest();
  std::ofstream out{name.str(), std::ios::binary};
  out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  if (out.flush()) return {name.str(), ""};
  return {"", "cannot write to " + folder};
}

}  // namespace slabproof
