// Rows of arcs: what every operator on a graph or a sparse matrix shares.
//
// Rows differ in length by orders of magnitude: one longer than PieceArcs is cut into pieces of that many arcs from its own beginning. A first
// kernel works through the pieces, each by itself; a second, which works through short rows whole, joins the pieces of a long row in their
// order. A row's bits depend on its own arcs alone. Which pieces there are needs no list: of every PieceArcs consecutive arcs, at most two
// begin a piece, one of the row that holds the first arc and one of the last row beginning among them. Each has a slot.

constexpr int PieceArcs = 512;
constexpr u32 WholeWarp = 0xFFFFFFFFu;

// The row that holds an arc below E: the last whose offset is not above it.
__device__ __forceinline__ i64 row_of(const i64* offsets, i64 rows, i64 arc) {
    i64 low = 0, high = rows;
    while (high - low > 1) {
        i64 middle = low + (high - low) / 2;
        if (offsets[middle] <= arc) low = middle; else high = middle;
    }
    return low;
}

// The piece of a slot, [begin, end) of a row; there may be none.
template <typename A> __device__ __forceinline__ bool csr_piece(const A& a, i64 slot, i64& row, i64& begin, i64& end) {
    i64 window = slot >> 1, window_begin = window * PieceArcs;
    bool begins = (slot & 1) != 0;
    if (window_begin >= a.arc_count) return false;

    i64 window_end = window_begin + PieceArcs < a.arc_count ? window_begin + PieceArcs : a.arc_count;
    row = row_of(a.offsets, a.rows, begins ? window_end - 1 : window_begin);
    i64 row_begin = a.offsets[row], row_end = a.offsets[row + 1];
    if (row_end - row_begin <= PieceArcs || begins != (row_begin >= window_begin)) return false;

    begin = begins ? row_begin : row_begin + (window_begin - row_begin + PieceArcs - 1) / PieceArcs * PieceArcs;
    end = begin + PieceArcs < row_end ? begin + PieceArcs : row_end;
    return begin < row_end;
}

// The slot of the piece at `piece` of a row that begins at `begin`.
__device__ __forceinline__ i64 csr_slot(i64 begin, i64 piece) { return piece / PieceArcs * 2 + (piece == begin ? 1 : 0); }

// Of a structure A of arguments: whose weight, gate or value an entry is.
template <typename A> __device__ __forceinline__ i64 csr_arc(const A& a, i64 entry) { return a.arcs ? a.arcs[entry] : entry; }
