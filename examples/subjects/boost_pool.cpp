// boost::pool as a subject. It aligns chunks to a pointer, and gets its memory from static functions.
#include <boost/pool/pool.hpp>

#include "examples/subjects/drive.hpp"

class BoostPool {
 public:
  static constexpr slabproof::Abilities abilities{.takes_memory = true, .max_align = alignof(void*)};

  BoostPool(const slabproof::CacheSpec& spec, slabproof::RecordingBackend& memory)
      : memory_{memory}, pool_{spec.object_size} {}
  ~BoostPool() { Memory::source = &memory_; }  // for the pool's own destructor
  void* alloc() { return Memory::source = &memory_, pool_.malloc(); }
  void free(void* object) {
    if (object) pool_.free(object);
  }

 private:
  struct Memory {
    using size_type = std::size_t;
    using difference_type = std::ptrdiff_t;
    static char* malloc(std::size_t size) {
      return static_cast<char*>(source->take_memory(size, alignof(std::max_align_t)));
    }
    static void free(char* block) { source->give_memory(block); }
    static inline slabproof::RecordingBackend* source = nullptr;
  };
  slabproof::RecordingBackend& memory_;
  boost::pool<Memory> pool_;
};

int main(int argc, char** argv) { return drive<BoostPool>(argc, argv); }
