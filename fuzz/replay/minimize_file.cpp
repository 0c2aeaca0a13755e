#include "fuzz/replay/minimize_file.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "fuzz/replay/json.hpp"
#include "model/process/minimize_progress.hpp"
#include "model/process/minimizer.hpp"
#include "model/program/codec.hpp"
#include "model/program/trace.hpp"

namespace slabproof {
bool write_file(const std::string& file, const void* data, std::size_t size) {
  errno = 0;
  std::ofstream out{file, std::ios::binary};
  out.write(static_cast<const char*>(data), static_cast<std::streamsize>(size));
  out.close();
  if (out) return true;
  const char* const why = errno == 0 ? "cannot be written" : std::strerror(errno);
  std::fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, file.c_str(), why);
  std::error_code ignored;  // a file half written must not stay
  if (std::filesystem::is_regular_file(file, ignored)) std::filesystem::remove(file, ignored);
  return false;
}

std::string to_json(const std::string& file, const Effort* effort) {
  JsonObject json;
  json.add("file", file);
  json.add("fails", effort != nullptr);
  if (effort) {
    json.add("before", effort->before);
    json.add("after", effort->after);
    json.add("tried", effort->tried);
    json.add("milliseconds", static_cast<std::uint64_t>(effort->seconds * 1000));
    json.add("finished", effort->finished);
  }
  return json.text();
}

int minimize_file(Runner& runner, const std::string& file, const Program& program, const MinimizeOptions& how) {
  const bool json = how.answer == MinimizeOptions::Answer::Json;
  MinimizerOptions options{.budget = how.budget, .go_on = {}};
  MinimizeProgress progress{"programs", "operations", program.operations.size()};
  options.go_on = [&](const Program& smallest, std::uint64_t tried) {
    return progress.go_on(smallest.operations.size(), tried);
  };
  const Minimized result = minimize(runner, program, options);
  if (result.verdict.agreed())
    return json ? std::printf("%s\n", to_json(file, nullptr).c_str())
                : std::printf("%s does not fail: there is nothing to minimize\n", file.c_str()),
           0;

  const std::string bytes_file = how.output.empty() ? file + ".min" : how.output, text_file = bytes_file + ".trace";
  const std::string text = to_text(result.program);
  const auto bytes = encode(result.program);
  if (!write_file(bytes_file, bytes.data(), bytes.size()) || !write_file(text_file, text.data(), text.size())) return 2;
  if (json) {
    const Effort effort{.before = program.operations.size(),
                        .after = result.program.operations.size(),
                        .tried = result.tried,
                        .seconds = progress.seconds(),
                        .finished = result.finished};
    return std::printf("%s\n", to_json(file, &effort).c_str()), 1;
  }
  std::printf(
      "%sverdict: %s\n%ssignature: %s\nminimized: %zu operations to %zu in %.1f s, %llu programs tried%s\nwritten: %s "
      "and %s\n",
      text.c_str(), result.verdict.sentence().c_str(), result.verdict.explanation().c_str(),
      result.verdict.signature().c_str(), program.operations.size(), result.program.operations.size(),
      progress.seconds(), static_cast<unsigned long long>(result.tried),
      result.finished ? "" : "; stopped before nothing smaller was left to try", bytes_file.c_str(), text_file.c_str());
  return 1;
}

}  // namespace slabproof
