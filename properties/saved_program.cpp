#include "properties/saved_program.hpp"

#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

#include "model/encoder.hpp"
#include "model/event_log.hpp"

namespace slabproof {

std::string save_program(const Program& program, const std::string& folder, const std::string& engine) {
  const std::vector<std::uint8_t> bytes = encode(program);
  EventLog hash;
  for (const std::uint8_t byte : bytes) hash.add(byte);
  std::error_code ignored;
  std::filesystem::create_directories(folder, ignored);
  std::ostringstream name;
  name << folder << "/" << engine << "-" << std::hex << hash.digest();
  std::ofstream out{name.str(), std::ios::binary};
  out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  return out.flush() ? name.str() : "";
}

}  // namespace slabproof
