// What counts in a global how often it was made, and holds one object fewer after the twentieth time: no one program
// shows it.
#include <cstddef>

#include <slabproof/subject.hpp>

class WearsOut {
 public:
  static constexpr slabproof::Abilities abilities{
      .instances = 1, .accepts = {.most = 64, .max_align = 16}, .capacity = 4};

  WearsOut() { ++makings; }
  void* alloc() {
    for (std::size_t i = makings > 20; i < 4; ++i)
      if (!is_used_[i]) return is_used_[i] = true, slots_[i];
    return nullptr;
  }
  void free(void* object) {
    for (std::size_t i = 0; i < 4; ++i)
      if (object == slots_[i]) is_used_[i] = false;
  }

 private:
  static inline std::size_t makings = 0;
  alignas(16) std::byte slots_[4][64];
  bool is_used_[4] = {};
};
SLABPROOF_SUBJECT(WearsOut);
