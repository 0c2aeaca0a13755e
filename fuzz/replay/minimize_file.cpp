#include "fuzz/replay/minimize_file.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "fuzz/replay/minimize_progress.hpp"
#include "model/process/minimizer.hpp"
#include "model/program/encoder.hpp"
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
  std::error_code ignored;  // half a file is none
  if (std::filesystem::is_regular_file(file, ignored)) std::filesystem::remove(file, ignored);
  return false;
}

int minimize_file(Runner& runner, const std::string& file, const Program& program, const std::string& output,
                  std::chrono::duration<double> budget) {
  MinimizerOptions options{.budget = budget, .go_on = {}};
  MinimizeProgress progress{"programs", "operations", program.operations.size()};
  options.go_on = [&](const Program& smallest, std::uint64_t tried) {
    return progress.go_on(smallest.operations.size(), tried);
  };
  const Minimized result = minimize(runner, program, options);
  if (result.verdict.agreed()) return std::printf("%s does not fail: there is nothing to minimize\n", file.c_str()), 0;

  const std::string bytes_file = output.empty() ? file + ".min" : output, text_file = bytes_file + ".trace";
  const std::string text = to_text(result.program);
  const auto bytes = encode(result.program);
  if (!write_file(bytes_file, bytes.data(), bytes.size()) || !write_file(text_file, text.data(), text.size())) return 2;
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
