#pragma once

#include <optional>
#include <string>

#include "fuzz/chain/chain.hpp"
#include "fuzz/chain/chain_run.hpp"
#include "fuzz/replay/minimize_file.hpp"
#include "model/judge/runner.hpp"

namespace slabproof {

/// A chain and the file that it points into.
class ChainFile {
 public:
  static bool is_one(const std::string& file);
  /// None if the file's content does not begin as a chain, or cannot be read.
  static std::optional<ChainFile> open(const std::string& file);
  ChainFile(ChainFile&& other) noexcept;
  ChainFile& operator=(ChainFile&&) = delete;
  ~ChainFile();

  [[nodiscard]] const std::optional<Chain>& chain() const { return chain_; }
  [[nodiscard]] const std::string& why_not() const { return why_; }

 private:
  ChainFile() = default;

  void* memory_ = nullptr;
  std::size_t size_ = 0;
  std::optional<Chain> chain_;
  std::string why_;
};

/// Replays a chain and prints the verdict of the input that fails, its place, and the inputs before it if they are few.
/// `options` apply to each input; with an `after_step` more than the verdict is printed. Returns an exit status: 0 it
/// agrees, 1 it fails.
int replay_chain(Runner& runner, const Chain& chain, const IsolationOptions& options);

/// Minimizes the chain of `file`. What is left is written to the output: a chain, or the input that fails alone.
/// Returns an exit status: 0 it agrees, 1 it fails, 2 a file cannot be written.
int minimize_chain_file(Runner& runner, const std::string& file, const Chain& chain, const MinimizeOptions& options);

}  // namespace slabproof
