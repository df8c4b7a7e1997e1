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

    /// <summary>Random numbers that are drawn ahead.</summary>
    private const int NumbersAtOnce = 1024;

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
        if (scratch.Group is not null)
        {
            SampleGroups(block, starts, scratch, scratch.Group);
            return scratch.Collected.AsSpan(0, scratch.Count).ToArray();
        }

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

    /// <summary>As <see cref="SampleBlock"/> where the walks of a vertex are few enough to be made together.</summary>
    private void SampleGroups(int block, long[] starts, Scratch scratch, WalkGroup group)
    {
        int end = Math.Min((block + 1) * BlockVertices, _vertices);
        for (int first = block * BlockVertices; first < end; first += group.Vertices)
        {
            int vertices = Math.Min(group.Vertices, end - first);
            group.Walk(offsets, targets, keys, first, vertices, options.Seed);
            for (int i = 0; i < vertices; i++)
            {
                long row = (long)(first + i) * _tokens;
                for (int k = 0; k < _tokens - 1; k++)
                {
                    ReadOnlySpan<int> visits = group.Visited(i, k);
                    int count = visits.Length + 1;
                    Span<int> room = scratch.Reserve(count + VertexSets.Padding);
                    room[0] = first + i;
                    visits.CopyTo(room[1..]);
                    fixed (int* values = room, spare = scratch.Spare(count))
                    {
                        count = VertexSets.SortUnique(values, count, _vertices - 1, spare);
                    }

                    scratch.Count += count;
                    starts[++row] = count;
                }

                scratch.Reserve(1)[0] = first + i;
                scratch.Count++;
                starts[++row] = 1;
            }
        }
    }

    /// <summary>Appends the vertices of one token and returns how many they are. Walks go side by side, so that the waits for
    /// memory of one overlap with the steps of the others.</summary>
    private int Token(int v, int length, int repeat, long* offset, int* target, Scratch scratch)
    {
        int room = (int)Math.Min(1 + (long)options.WalksPerToken * length, _mostCollected);
        Span<int> reserved = scratch.Reserve(room + VertexSets.Padding);
        fixed (int* visited = reserved, position = scratch.Positions, spare = scratch.Spare(room))
        fixed (uint* random = scratch.Random)
        {
            int count = 1, abreast = scratch.WalksAbreast(length);
            visited[0] = v;
            for (int first = 0; first < options.WalksPerToken; first += abreast)
            {
                int walks = Math.Min(abreast, options.WalksPerToken - first);
                uint* number = Draw(v, length, repeat, first, walks, random);
                new Span<int>(position, walks).Fill(v);
                for (int step = 0; step < length; step++)
                {
                    for (int walk = 0; walk < walks; walk++)
                    {
                        int at = position[walk];
                        long start = offset[at];
                        ulong degree = (ulong)(offset[at + 1] - start);
                        if (degree != 0)
                        {
                            // Off uniform by at most degree / 2^32.
                            at = target[start + (long)((number[walk * length + step] * degree) >> 32)];
                            position[walk] = at;
                        }

                        count = count == room ? VertexSets.SortUnique(visited, count, _vertices - 1, spare) : count;
                        visited[count++] = at;
                    }
                }
            }

            count = VertexSets.SortUnique(visited, count, _vertices - 1, spare);
            scratch.Count += count;
            return count;
        }
    }

    /// <summary>Step t of walk w takes number w * length + t of its token, four numbers to a block. Returns where step 0 of walk
    /// <paramref name="first"/> lies in <paramref name="random"/>.</summary>
    private uint* Draw(int v, int length, int repeat, int first, int walks, uint* random)
    {
        uint key = (uint)keys[v], group = ((uint)length << 16) | (uint)repeat;
        long begin = (long)first * length, end = begin + (long)walks * length;
        uint* to = random;
        for (long block = begin >> 2; block << 2 < end; block++, to += 4)
        {
            (to[0], to[1], to[2], to[3]) = CounterRandom.Block(options.Seed, key, group, (uint)block, (uint)RandomStream.Walks << CounterRandom.StreamShift);
        }

        return random + (begin & 3);
    }

    /// <summary>What one thread needs.</summary>
    private sealed class Scratch
    {
        private readonly int _walks;
        private int[] _spare = [];

        public Scratch(WalkTokenOptions options)
        {
            _walks = options.WalksPerToken;
            Positions = new int[Math.Min(_walks, NumbersAtOnce)];
            Random = new uint[Math.Max(NumbersAtOnce, options.LongestWalk) + 8];
            if (options.LongestWalk > 0 && options.StepsPerVertex <= NumbersAtOnce)
            {
                // In the order of the tokens: the longest walks first, then the last repeat.
                (int, int)[] tokens = [.. from length in Enumerable.Range(1, options.LongestWalk).Reverse() from repeat in Enumerable.Range(0, options.Repeats).Reverse() select (length, repeat)];
                Group = new WalkGroup(tokens, options.WalksPerToken);
            }
        }

        /// <summary>Null where the walks of a vertex are too many to be made together.</summary>
        public WalkGroup? Group { get; }

        public int[] Positions { get; }

        public uint[] Random { get; }

        public int[] Collected { get; private set; } = new int[4096];

        public int Count { get; set; }

        /// <summary>Walks of that length that are made side by side.</summary>
        public int WalksAbreast(int length) => Math.Clamp(NumbersAtOnce / length, 1, _walks);

        /// <summary>Room to sort <paramref name="count"/> vertices.</summary>
        public int[] Spare(int count) => _spare.Length >= count ? _spare : _spare = new int[count];

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
