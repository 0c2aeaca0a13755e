// boost::pool. It aligns chunks to a pointer, and gets its memory from static functions.
#include <boost/pool/pool.hpp>
#include <slabproof/subject.hpp>

class BoostPool {
 public:
  static constexpr slabproof::Abilities abilities{.accepts = {.max_align = alignof(void*)}, .takes_memory = true};

  BoostPool(slabproof::Objects objects, slabproof::Memory memory) : memory_{memory}, pool_{objects.size} {}
  ~BoostPool() { Source::memory = &memory_; }  // for the pool's own destructor
  void* alloc() { return Source::memory = &memory_, pool_.malloc(); }
  void free(void* object) { pool_.free(object); }

 private:
  struct Source {
    using size_type = std::size_t;
    using difference_type = std::ptrdiff_t;
    static char* malloc(std::size_t size) { return static_cast<char*>(memory->take(size)); }
    static void free(char* block) { memory->give(block); }
    static inline const slabproof::Memory* memory = nullptr;
  };
  slabproof::Memory memory_;
  boost::pool<Source> pool_;
};
SLABPROOF_SUBJECT(BoostPool);
