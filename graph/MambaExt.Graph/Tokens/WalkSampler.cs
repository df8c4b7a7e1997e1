using MambaExt.Graph.Graphs;
using static System.FormattableString;

namespace MambaExt.Graph.Tokens;

/// <summary>
/// Walks and collects. Vertices are cut into blocks of a fixed size; each block writes how many vertices its tokens have and keeps
/// the vertices in an array of its own, and the arrays are joined once all counts are known.
/// </summary>
internal sealed unsafe class WalkSampler(long[] offsets, int[] targets, int[] keys, WalkTokenOptions options)
{
    private const int BlockVertices = 256;

    /// <summary>Up to here a token's vertices are sorted as they are inserted.</summary>
    private const int InsertionLimit = 48;

    private readonly int _vertices = keys.Length;
    private readonly int _tokens = (int)options.TokensPerVertex;

    /// <summary>Visits collected before repeats are thrown out: twice the vertices, so that half of the room is free again.</summary>
    private readonly long _mostCollected = Math.Min(Math.Max(4096, 2L * keys.Length), Array.MaxLength);

    /// <summary>The arcs of <paramref name="graph"/> with the neighbours of every vertex in the order of their keys.</summary>
    public static int[] NeighboursByKey(CsrGraph graph, int[] keys)
    {
        int[] targets = graph.Targets.ToArray();
        var order = new int[targets.Length];
        for (int i = 0; i < targets.Length; i++)
        {
            order[i] = keys[targets[i]];
        }

        for (int v = 0; v < graph.VertexCount; v++)
        {
            Array.Sort(order, targets, (int)graph.Offsets[v], graph.Degree(v));
        }

        return targets;
    }

    public WalkTokens Run(int threads, CancellationToken token)
    {
        var starts = new long[(long)_vertices * _tokens + 1];
        int blocks = (_vertices + BlockVertices - 1) / BlockVertices;
        var parts = new int[blocks][];
        var limits = new ParallelOptions { MaxDegreeOfParallelism = threads, CancellationToken = token };
        Parallel.For(0, blocks, limits, () => new Scratch(options), (block, _, scratch) =>
        {
            parts[block] = SampleBlock(block, starts, scratch);
            return scratch;
        }, static _ => { });

        for (long i = 1; i < starts.Length; i++)
        {
            starts[i] += starts[i - 1];
        }

        if (starts[^1] > Array.MaxLength)
        {
            throw new InvalidOperationException(Invariant($"The tokens hold {starts[^1]:N0} vertices, more than one array can ({Array.MaxLength:N0}); take fewer or shorter walks, or fewer repeats."));
        }

        var joined = new int[starts[^1]];
        Parallel.For(0, blocks, limits, block =>
        {
            parts[block].CopyTo(joined, starts[(long)block * BlockVertices * _tokens]);
            parts[block] = [];
        });
        return new WalkTokens(_vertices, options, starts, joined);
    }

    private int[] SampleBlock(int block, long[] starts, Scratch scratch)
    {
        scratch.Count = 0;
        int first = block * BlockVertices, end = Math.Min(first + BlockVertices, _vertices);
        fixed (long* offset = offsets)
        fixed (int* target = targets)
        {
            for (int v = first; v < end; v++)
            {
                long row = (long)v * _tokens;
                for (int length = options.LongestWalk; length >= 1; length--)
                {
                    for (int repeat = options.Repeats - 1; repeat >= 0; repeat--)
                    {
                        starts[++row] = Token(v, length, repeat, offset, target, scratch);
                    }
                }

                scratch.Reserve(1)[0] = v;
                scratch.Count++;
                starts[++row] = 1;
            }
        }

        return scratch.Collected.AsSpan(0, scratch.Count).ToArray();
    }

    /// <summary>Appends the vertices of one token and returns how many they are. Walks go side by side, four to a block of
    /// random numbers: the waits for memory of one overlap with the steps of the others.</summary>
    private int Token(int v, int length, int repeat, long* offset, int* target, Scratch scratch)
    {
        int walks = options.WalksPerToken;
        Span<int> room = scratch.Reserve((int)Math.Min(1 + (long)walks * length, _mostCollected));
        fixed (int* visited = room)
        fixed (int* position = scratch.Positions)
        {
            int count = 1;
            visited[0] = v;
            new Span<int>(position, walks).Fill(v);
            bool insert = (long)walks * length < InsertionLimit;
            uint group = ((uint)length << 16) | (uint)repeat;
            uint* random = stackalloc uint[4];
            for (uint step = 0; step < (uint)length; step++)
            {
                for (int walk = 0; walk < walks; walk += 4)
                {
                    (random[0], random[1], random[2], random[3]) = CounterRandom.Block(options.Seed, (uint)keys[v], group, (uint)walk >> 2, step);
                    int lanes = Math.Min(4, walks - walk);
                    for (int lane = 0; lane < lanes; lane++)
                    {
                        int at = position[walk + lane];
                        long start = offset[at];
                        ulong degree = (ulong)(offset[at + 1] - start);
                        if (degree != 0)
                        {
                            // Off uniform by at most degree / 2^32.
                            at = target[start + (long)((random[lane] * degree) >> 32)];
                            position[walk + lane] = at;
                        }

                        if (insert)
                        {
                            count = Insert(visited, count, at);
                            continue;
                        }

                        count = count == room.Length ? SortUnique(room) : count;
                        visited[count++] = at;
                    }
                }
            }

            count = insert ? count : SortUnique(room[..count]);
            scratch.Count += count;
            return count;
        }
    }

    private static int Insert(int* sorted, int count, int value)
    {
        int i = count;
        while (i > 0 && sorted[i - 1] > value)
        {
            i--;
        }

        if (i > 0 && sorted[i - 1] == value)
        {
            return count;
        }

        for (int j = count; j > i; j--)
        {
            sorted[j] = sorted[j - 1];
        }

        sorted[i] = value;
        return count + 1;
    }

    private static int SortUnique(Span<int> values)
    {
        values.Sort();
        int count = 1;
        for (int i = 1; i < values.Length; i++)
        {
            if (values[i] != values[i - 1])
            {
                values[count++] = values[i];
            }
        }

        return count;
    }

    /// <summary>What one thread needs.</summary>
    private sealed class Scratch(WalkTokenOptions options)
    {
        public int[] Positions { get; } = new int[options.WalksPerToken];

        public int[] Collected { get; private set; } = new int[4096];

        public int Count { get; set; }

        /// <summary>Room for <paramref name="count"/> more vertices behind those collected.</summary>
        public Span<int> Reserve(int count)
        {
            int needed = checked(Count + count);
            if (needed > Collected.Length)
            {
                int[] larger = new int[Math.Max(needed, (int)Math.Min(2L * Collected.Length, Array.MaxLength))];
                Collected.AsSpan(0, Count).CopyTo(larger);
                Collected = larger;
            }

            return Collected.AsSpan(Count, count);
        }
    }
}
