#include <slabproof/subject.hpp>

// Eight objects of at most 32 bytes. Every third free is forgotten.
class Pool {
 public:
  static constexpr slabproof::Abilities abilities{.accepts = {.most = 32, .max_align = 8}, .capacity = 8};

  void* alloc() {
    for (int i = 0; i < 8; ++i)
      if (!used_[i]) return used_[i] = true, slots_[i];
    return nullptr;
  }
  void free(void* object) {
    if (++frees_ % 3 == 0) return;
    for (int i = 0; i < 8; ++i)
      if (object == slots_[i]) used_[i] = false;
  }

 private:
  alignas(8) unsigned char slots_[8][32];
  bool used_[8] = {};
  int frees_ = 0;
};
SLABPROOF_SUBJECT(Pool);
