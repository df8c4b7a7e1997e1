namespace MambaExt.Graph.Tokens;

/// <summary>All walks of a few vertices side by side, and the room of one thread for them: one after the other, each would wait for memory alone.</summary>
internal sealed unsafe class WalkGroup
{
    private const int Abreast = 128;

    private readonly (int Length, int Repeat)[] _tokens;
    private readonly int[] _tokenStart;
    private readonly int[] _active;
    private readonly int _walks;
    private readonly int _stride;
    private readonly int[] _position;
    private readonly int[] _start;
    private readonly long[] _arc;
    private readonly uint[] _number;
    private readonly int[] _visited;

    /// <summary>Makes room.</summary>
    /// <param name="tokens">Steps and repeat of each token of a vertex, the longest first</param>
    /// <param name="walks">Walks of each</param>
    public WalkGroup((int Length, int Repeat)[] tokens, int walks)
    {
        (_tokens, _walks) = (tokens, walks);
        _tokenStart = new int[tokens.Length];
        for (int k = 0; k < tokens.Length; k++)
        {
            _tokenStart[k] = _stride;

            // Numbers come in fours.
            _stride = checked(_stride + ((walks * tokens[k].Length) + 3 & ~3));
        }

        _active = [.. Enumerable.Range(0, tokens[0].Length).Select(step => tokens.Count(token => token.Length > step))];
        Vertices = Math.Max(1, Abreast / (walks * tokens.Length));
        int all = Vertices * walks * tokens.Length;
        (_position, _start, _arc, _number, _visited) = (new int[all], new int[all], new long[all], new uint[Vertices * _stride], new int[Vertices * _stride]);
    }

    /// <summary>Vertices that go together.</summary>
    public int Vertices { get; }

    /// <summary>Makes the walks from vertices <paramref name="first"/> and on.</summary>
    /// <param name="offsets">Rows of the graph</param>
    /// <param name="targets">Neighbours</param>
    /// <param name="keys">What the random numbers of each vertex are tied to; empty for its number</param>
    /// <param name="first">The first vertex</param>
    /// <param name="count">At most <see cref="Vertices"/></param>
    /// <param name="seed">Of the walks</param>
    public void Walk(long[] offsets, int[] targets, ReadOnlySpan<int> keys, int first, int count, ulong seed)
    {
        fixed (long* offset = offsets, arc = _arc)
        fixed (int* target = targets, position = _position, start = _start, visited = _visited)
        fixed (uint* number = _number)
        {
            // Token by token, so that those with steps left come first.
            int walk = 0;
            for (int k = 0; k < _tokens.Length; k++)
            {
                (int length, int repeat) = _tokens[k];
                for (int i = 0; i < count; i++)
                {
                    int begin = (i * _stride) + _tokenStart[k];
                    WalkSteps.Draw(seed, keys.IsEmpty ? first + i : keys[first + i], length, repeat, _walks * length, number + begin);
                    for (int w = 0; w < _walks; w++, walk++)
                    {
                        position[walk] = first + i;
                        start[walk] = begin + (w * length);
                    }
                }
            }

            for (int step = 0; step < _active.Length; step++)
            {
                WalkSteps.Move(offset, target, position, start, number, visited, arc, step, _active[step] * count * _walks);
            }
        }
    }

    /// <summary>What the walks of token <paramref name="token"/> of the <paramref name="i"/>-th vertex visited, walk after walk, without the start.</summary>
    public ReadOnlySpan<int> Visited(int i, int token) => _visited.AsSpan((i * _stride) + _tokenStart[token], _walks * _tokens[token].Length);
}
