// C functions around HPTT's plans, so that a plan is made once and executed many times.
#include <hptt.h>

#include <functional>

namespace {

using Plan = std::function<void()>;

template <typename T>
Plan *make(const int *perm, int dim, const void *src, const int *size, const int *outer_src,
           void *dst, const int *outer_dst, int n_threads)
{
    auto plan = hptt::create_plan(perm, dim, T(1), static_cast<const T *>(src), size, outer_src, T(0),
                                  static_cast<T *>(dst), outer_dst, hptt::ESTIMATE, n_threads, nullptr, true);
    return new Plan([plan] { plan->execute(); });
}

} // namespace

extern "C" {

// A plan for items of 4, 8 or 16 bytes; all arrays have dim entries, the slowest dimension first.
void *bench_hptt_plan(int item, const int *perm, int dim, const void *src, const int *size,
                      const int *outer_src, void *dst, const int *outer_dst, int n_threads)
{
    switch (item) {
    case 4:
        return make<float>(perm, dim, src, size, outer_src, dst, outer_dst, n_threads);
    case 8:
        return make<double>(perm, dim, src, size, outer_src, dst, outer_dst, n_threads);
    case 16:
        return make<hptt::DoubleComplex>(perm, dim, src, size, outer_src, dst, outer_dst, n_threads);
    default:
        return nullptr;
    }
}

void bench_hptt_execute(void *plan)
{
    (*static_cast<Plan *>(plan))();
}

void bench_hptt_free(void *plan)
{
    delete static_cast<Plan *>(plan);
}

}
