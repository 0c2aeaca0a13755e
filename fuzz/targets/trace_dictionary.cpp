// Prints libFuzzer's dictionary for fuzz_trace: the words of the texts of many programs, without their numbers. It
// cannot disagree with the parser, which reads the text of every program.
#include <cstdio>
#include <set>
#include <sstream>
#include <string>

#include "model/program/byte_format.hpp"
#include "model/program/codec.hpp"
#include "model/program/random_bytes.hpp"
#include "model/program/trace.hpp"

int main() {
  using namespace slabproof;
  std::set<std::string> words{"//"};  // a comment, which no program's text has
  for (std::uint64_t seed = 0; seed < 2'000; ++seed) {
    std::vector<std::uint8_t> bytes = random_bytes(seed, 300);
    bytes[format::swarm_at] = bytes[format::swarm_at + 1] = 0;  // no operation excluded
    std::istringstream text{to_text(decode(bytes))};
    for (std::string word; text >> word;) {
      const std::size_t number = word.find_last_not_of("0123456789") + 1;
      words.insert(number == 0 ? word : word.substr(0, number));
    }
  }
  for (const std::string& word : words)
    if (word.find_first_not_of("0123456789") != std::string::npos) std::printf("\"%s\"\n", word.c_str());
  std::printf("\"\\x0a\"\n");
}
