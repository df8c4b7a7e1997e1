// ---- Products ----

// A thread's 4 x 4 of a tile. A warp has 16 rows and 32 columns, so that a stage on the diagonal of a banded product concerns few warps.
struct Place {
    int row, column, strip;     // strip: which 16th of the columns
    __device__ Place() {
        int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
        row = warp / 2 * 16 + lane / 8 * 4;
        strip = warp % 2 * 8 + lane % 8;
        column = strip * 4;
    }
};

template <typename T> struct alignas(sizeof(T) > 4 ? 16 : 4 * sizeof(T)) Four { T at[4]; };

template <typename R> __device__ __forceinline__ void clear(R (&sum)[4][4]) {
#pragma unroll
    for (int i = 0; i < 4; i++)
#pragma unroll
        for (int j = 0; j < 4; j++) sum[i][j] = R(0);
}

// An operand is a function of (row or column, step). Along: neighbours in memory are neighbouring steps.
template <bool Along, typename R, typename Operand>
__device__ __forceinline__ void fetch(R (&held)[4], int first, int depth, Operand operand) {
#pragma unroll
    for (int i = 0; i < 4; i++) {
        int e = threadIdx.x + i * Threads, k = first + (Along ? e % Stage : e / Tile), r = Along ? e / Stage : e % Tile;
        held[i] = k < depth ? operand(r, k) : R(0);
    }
}

template <bool Along, typename R> __device__ __forceinline__ void stage(const R (&held)[4], R* staged) {
#pragma unroll
    for (int i = 0; i < 4; i++) {
        int e = threadIdx.x + i * Threads, k = Along ? e % Stage : e / Tile, r = Along ? e / Stage : e % Tile;
        staged[k * Pitch + r] = held[i];
    }
}

// The steps that count for each row of a thread: low to high, neither falling from row to row.
struct Band {
    int low[4], high[4];
    __device__ bool touches(int first) const { return first <= high[3] && first + Stage > low[0]; }
    __device__ bool covers(int first) const { return first >= low[3] && first + Stage - 1 <= high[0]; }
};

// sum[i][j] += sum over k of a(row + i, k) b(column + j, k); with a band, over its steps alone. All threads must come here.
template <bool AlongA, bool AlongB, bool Banded, typename R, typename A, typename B>
__device__ __forceinline__ void product(R (&sum)[4][4], R* staged, int depth, const Band& band, A a, B b) {
    Place place;
    R *stagedA = staged, *stagedB = staged + Stage * Pitch;
    R nextA[4], nextB[4];
    fetch<AlongA>(nextA, 0, depth, a);
    fetch<AlongB>(nextB, 0, depth, b);
    for (int first = 0; first < depth; first += Stage) {
        stage<AlongA>(nextA, stagedA);
        stage<AlongB>(nextB, stagedB);
        __syncthreads();
        if (first + Stage < depth) {
            fetch<AlongA>(nextA, first + Stage, depth, a);
            fetch<AlongB>(nextB, first + Stage, depth, b);
        }

        if (!Banded || band.covers(first)) {
#pragma unroll 2
            for (int k = 0; k < Stage; k++) {
                Four<R> u = *reinterpret_cast<const Four<R>*>(stagedA + k * Pitch + place.row);
                Four<R> v = *reinterpret_cast<const Four<R>*>(stagedB + k * Pitch + place.column);
#pragma unroll
                for (int i = 0; i < 4; i++)
#pragma unroll
                    for (int j = 0; j < 4; j++) sum[i][j] += u.at[i] * v.at[j];
            }
        } else if (band.touches(first)) {
#pragma unroll 2
            for (int k = 0; k < Stage; k++) {
                Four<R> u = *reinterpret_cast<const Four<R>*>(stagedA + k * Pitch + place.row);
                Four<R> v = *reinterpret_cast<const Four<R>*>(stagedB + k * Pitch + place.column);
#pragma unroll
                for (int i = 0; i < 4; i++)
                    if (first + k >= band.low[i] && first + k <= band.high[i])
#pragma unroll
                        for (int j = 0; j < 4; j++) sum[i][j] += u.at[i] * v.at[j];
            }
        }

        __syncthreads();
    }
}

template <bool AlongA, bool AlongB, typename R, typename A, typename B>
__device__ __forceinline__ void product(R (&sum)[4][4], R* staged, int depth, A a, B b) {
    product<AlongA, AlongB, false>(sum, staged, depth, Band(), a, b);
}

// Sums over the columns of a tile, in order: thread `row` below 64 gets that of its row. All threads must come here.
template <typename R> __device__ __forceinline__ R row_sum(const R (&parts)[4], R* memory) {
    Place place;
#pragma unroll
    for (int i = 0; i < 4; i++) memory[(place.row + i) * SumPitch + place.strip] = parts[i];
    __syncthreads();
    R sum = R(0);
    if (threadIdx.x < Tile)
        for (int j = 0; j < 16; j++) sum += memory[threadIdx.x * SumPitch + j];
    __syncthreads();
    return sum;
}

// Sums over the rows of a tile, likewise.
template <typename R> __device__ __forceinline__ R column_sum(const R (&parts)[4], R* memory) {
    Place place;
#pragma unroll
    for (int j = 0; j < 4; j++) memory[(place.column + j) * SumPitch + place.row / 4] = parts[j];
    __syncthreads();
    R sum = R(0);
    if (threadIdx.x < Tile)
        for (int i = 0; i < 16; i++) sum += memory[threadIdx.x * SumPitch + i];
    __syncthreads();
    return sum;
}

// Sum over the threads of a block, for thread 0.
template <typename R> __device__ __forceinline__ R block_sum(R value, R* memory) {
    memory[threadIdx.x] = value;
    __syncthreads();
    for (int half = blockDim.x / 2; half > 0; half /= 2) {
        if (threadIdx.x < half) memory[threadIdx.x] += memory[threadIdx.x + half];
        __syncthreads();
    }

    R sum = memory[0];
    __syncthreads();
    return sum;
}

// Four neighbours of a row, as one access where they lie so.
template <typename T> __device__ __forceinline__ bool whole(const T* p, int count) {
    return count >= 4 && reinterpret_cast<unsigned long long>(p) % sizeof(Four<T>) == 0;
}

template <typename T, typename R> __device__ __forceinline__ void load_four(const T* p, int count, R (&values)[4]) {
    if (whole(p, count)) {
        Four<T> four = *reinterpret_cast<const Four<T>*>(p);
#pragma unroll
        for (int j = 0; j < 4; j++) values[j] = load(&four.at[j]);
    } else {
#pragma unroll
        for (int j = 0; j < 4; j++) values[j] = j < count ? load(p + j) : R(0);
    }
}

template <typename T, typename R> __device__ __forceinline__ void store_four(T* p, int count, const R (&values)[4]) {
    if (whole(p, count)) {
        Four<T> four;
#pragma unroll
        for (int j = 0; j < 4; j++) store(&four.at[j], values[j]);
        *reinterpret_cast<Four<T>*>(p) = four;
    } else {
#pragma unroll
        for (int j = 0; j < 4; j++)
            if (j < count) store(p + j, values[j]);
    }
}
