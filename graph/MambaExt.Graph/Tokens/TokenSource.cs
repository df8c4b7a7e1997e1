using MambaExt.Graph.Graphs;
using MambaExt.Sparse;

namespace MambaExt.Graph.Tokens;

/// <summary>Makes of the tokens of a graph what encoders read, for all vertices at once or for some at a time.</summary>
/// <param name="graph">V vertices</param>
/// <param name="options">Walks and their seed</param>
/// <param name="keys">Vertex keys, [V], or empty for the vertex numbers</param>
internal sealed class TokenSource(CsrGraph graph, WalkTokenOptions options, int[] keys)
{
    /// <summary>The induced subgraph of every token.</summary>
    /// <param name="most">Vertices of all tokens of a part, where those of a single vertex are not more</param>
    public TokenParts Subgraphs(int most)
    {
        WalkTokens tokens = WalkTokens.Sample(graph, options, keys, Compute.Threads);
        TokenSubgraphs edges = TokenSubgraphs.Of(graph, tokens, Compute.Threads);
        var parts = new List<TokenPart>();
        for (int first = 0, end; first < graph.VertexCount; first = end)
        {
            long begin = tokens.Offsets[first * tokens.TokensPerVertex];
            for (end = first + 1; end < graph.VertexCount && tokens.Offsets[(end + 1) * tokens.TokensPerVertex] - begin <= most; end++)
            {
            }

            parts.Add(Subgraph(tokens, edges, first * tokens.TokensPerVertex, end * tokens.TokensPerVertex));
        }

        return new TokenParts(parts);
    }

    /// <summary>Every walk, step by step, with the bits of random-walk features (CRaWl, arXiv 2102.08786).</summary>
    /// <param name="window">Steps that a step is compared with, W</param>
    /// <param name="most">Steps of all walks of a part, where those of a single vertex are not more</param>
    public TokenParts Walks(int window, int most)
    {
        options.Validate(graph.VertexCount);
        int[] targets = keys.Length == 0 ? graph.TargetArray : WalkSampler.NeighboursByKey(graph, VertexKeys.OrDefault(keys, graph.VertexCount));

        // In the order of the tokens: the longest walks first, then the last repeat, and the vertex itself.
        (int Length, int Repeat)[] tokens =
            [.. from length in Enumerable.Range(1, options.LongestWalk).Reverse() from repeat in Enumerable.Range(0, options.Repeats).Reverse() select (length, repeat), (0, 0)];
        double rows = options.StepsPerVertex + ((double)options.WalksPerToken * options.Repeats * options.LongestWalk) + 1;
        int atOnce = (int)Math.Clamp(most / rows, 1, Math.Max(1, graph.VertexCount));
        var parts = new List<TokenPart>();
        for (int first = 0; first < graph.VertexCount; first += atOnce)
        {
            parts.Add(Steps(targets, tokens, window, first, Math.Min(atOnce, graph.VertexCount - first)));
        }

        return new TokenParts(parts);
    }

    private TokenPart Subgraph(WalkTokens tokens, TokenSubgraphs edges, int firstRow, int endRow)
    {
        int begin = (int)tokens.Offsets[firstRow], entries = (int)tokens.Offsets[endRow] - begin;
        long firstArc = edges.Offsets[begin];
        var arcs = new long[entries + 1];
        for (int e = 0; e <= entries; e++)
        {
            arcs[e] = edges.Offsets[begin + e] - firstArc;
        }

        int[] neighbours = edges.Targets[(int)firstArc..(int)(firstArc + arcs[^1])].ToArray();
        for (int i = 0; i < neighbours.Length; i++)
        {
            neighbours[i] -= begin;
        }

        var starts = new long[endRow - firstRow + 1];
        for (int row = 0; row < starts.Length; row++)
        {
            starts[row] = tokens.Offsets[firstRow + row] - begin;
        }

        return new TokenPart(new CsrMatrix(graph.VertexCount, Ascending(entries + 1), tokens.Vertices.Slice(begin, entries)), Means(starts))
        {
            Neighbours = new CsrMatrix(entries, arcs, neighbours),
        };
    }

    private TokenPart Steps(int[] targets, (int Length, int Repeat)[] tokens, int window, int first, int count)
    {
        var walks = new List<WalkRows>();
        var offsets = new List<long> { 0 };
        var columns = new List<int>();
        foreach ((int length, int repeat) in tokens)
        {
            // The vertex itself is one walk of no steps.
            int each = length == 0 ? 1 : options.WalksPerToken;
            walks.Add(new WalkRows(offsets.Count - 1, (long)count * each, length + 1));
            int[] visited = length == 0 ? [] : RandomWalks.Of(graph.OffsetArray, targets, keys, (first, count), each, (length, repeat), options.Seed, Compute.Threads);
            var walk = new int[length + 1];
            for (int w = 0; w < count * each; w++)
            {
                walk[0] = first + (w / each);
                visited.AsSpan(w * length, length).CopyTo(walk.AsSpan(1));
                for (int step = 0; step <= length; step++)
                {
                    Bits(walk, step, window, columns);
                    offsets.Add(columns.Count);
                }
            }
        }

        var rows = new CsrMatrix(graph.VertexCount + Math.Max(0, (2 * window) - 1), [.. offsets], [.. columns]);
        return new TokenPart(rows, Means(walks, count, offsets.Count - 1)) { Walks = walks };
    }

    /// <summary>The vertex of a step; for k = 1 ... W whether the walk was there k steps before; for k = 2 ... W whether an edge leads to where it was.</summary>
    private void Bits(int[] walk, int step, int window, List<int> columns)
    {
        columns.Add(walk[step]);
        for (int k = 1; k <= Math.Min(window, step); k++)
        {
            if (walk[step] == walk[step - k])
            {
                columns.Add(graph.VertexCount + k - 1);
            }
        }

        for (int k = 2; k <= Math.Min(window, step); k++)
        {
            if (graph.HasEdge(walk[step], walk[step - k]))
            {
                columns.Add(graph.VertexCount + window + k - 2);
            }
        }
    }

    /// <summary>Row v L + p is the mean over the steps of token p of vertex v.</summary>
    private static CsrMatrix Means(List<WalkRows> walks, int count, int rows)
    {
        var offsets = new long[(count * walks.Count) + 1];
        int[] columns = new int[rows];
        float[] values = new float[rows];
        int at = 0;
        for (int v = 0, row = 0; v < count; v++)
        {
            foreach (WalkRows token in walks)
            {
                int each = (int)(token.Count / count) * token.Length, start = (int)token.Start + (v * each);
                for (int i = 0; i < each; i++, at++)
                {
                    (columns[at], values[at]) = (start + i, 1f / each);
                }

                offsets[++row] = at;
            }
        }

        return new CsrMatrix(rows, offsets, columns, values);
    }

    /// <summary>The mean over consecutive rows.</summary>
    private static CsrMatrix Means(long[] starts)
    {
        int rows = (int)starts[^1];
        var values = new float[rows];
        for (int r = 1; r < starts.Length; r++)
        {
            values.AsSpan((int)starts[r - 1], (int)(starts[r] - starts[r - 1])).Fill(1f / (starts[r] - starts[r - 1]));
        }

        return new CsrMatrix(rows, starts, [.. Enumerable.Range(0, rows)], values);
    }

    private static long[] Ascending(int count) => [.. Enumerable.Range(0, count).Select(i => (long)i)];
}
