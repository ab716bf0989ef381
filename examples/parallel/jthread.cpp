// A transpose by std::jthread (C++20).
//
//   c++ -std=c++20 -pthread jthread.cpp $(pkg-config --cflags --libs pybuffer) -o jthread && ./jthread
#include <libpybuffer.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

// As pybuffer_copy, by up to n_threads threads: whether it was done.
static bool copy(const Py_buffer &dst, const Py_buffer &src, unsigned n_threads)
{
    const Py_ssize_t n_parts = pybuffer_copy_n_parts(&dst, &src, n_threads);
    if (n_parts == 1)
        return pybuffer_copy(&dst, &src) == 0;
    std::atomic<bool> is_done = true;
    auto copy_share = [&](Py_ssize_t part) {
        if (pybuffer_copy_part(&dst, &src, part, n_parts) < 0)
            is_done = false;
    };
    {
        std::vector<std::jthread> threads;
        for (Py_ssize_t part = 1; part < n_parts; part++)
            threads.emplace_back(copy_share, part);
        copy_share(0);
    } // joined here
    return is_done;
}

int main()
{
    const Py_ssize_t rows = 3000, columns = 2000;
    std::vector<float> from(rows * columns), to(rows * columns);
    for (Py_ssize_t i = 0; i < rows * columns; i++)
        from[i] = float(i);

    Py_ssize_t shape[] = { columns, rows };
    Py_ssize_t transposed[] = { sizeof(float), columns * Py_ssize_t(sizeof(float)) };
    Py_ssize_t dense[] = { rows * Py_ssize_t(sizeof(float)), sizeof(float) };
    Py_buffer src = {}, dst;
    src.buf = from.data();
    src.len = rows * columns * Py_ssize_t(sizeof(float));
    src.itemsize = sizeof(float);
    src.ndim = 2;
    src.shape = shape;
    src.strides = transposed;
    dst = src;
    dst.buf = to.data();
    dst.strides = dense;

    const unsigned n_threads = std::max(2u, std::thread::hardware_concurrency());
    if (!copy(dst, src, n_threads)) {
        std::fputs("the copy failed\n", stderr);
        return EXIT_FAILURE;
    }
    for (Py_ssize_t i = 0; i < rows; i++)
        for (Py_ssize_t j = 0; j < columns; j++)
            if (to[j * rows + i] != from[i * columns + j])
                return EXIT_FAILURE;
    std::printf("%ld x %ld transposed by up to %u threads\n", long(rows), long(columns), n_threads);
}
