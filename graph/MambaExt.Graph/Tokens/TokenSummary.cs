using MambaExt.Graph.Graphs;

namespace MambaExt.Graph.Tokens;

/// <summary>What the tokens of one walk length hold.</summary>
/// <param name="length">Steps of the walks, m to 0</param>
/// <param name="tokens">So many in all</param>
/// <param name="vertices_mean">Vertices of a token, in the mean</param>
/// <param name="vertices_max">Of the largest</param>
/// <param name="edges_mean">Edges of its induced subgraph, in the mean</param>
/// <param name="ball_mean">Vertices within as many steps of the vertex, in the mean over some vertices</param>
/// <param name="coverage">Share of them that a token holds, in the mean over the same vertices, 0 to 1</param>
public sealed record TokenLength(int length, long tokens, double vertices_mean, int vertices_max, double edges_mean, double ball_mean, double coverage);

/// <summary>How large the tokens of a graph are and how much of each neighbourhood they hold: what M, m and s are chosen by.</summary>
public static class TokenSummary
{
    // A stride would keep to some columns of a grid; multiples of the golden ratio do not.
    private const double GoldenRatio = 0.6180339887498949;

    /// <summary>Vertices whose neighbourhoods are searched whole, spread over the graph.</summary>
    public const int Searched = 256;

    /// <summary>A row for each walk length, the longest first.</summary>
    /// <param name="graph">That the tokens were drawn from</param>
    /// <param name="tokens">Vertex sets</param>
    /// <param name="edges">Their induced subgraphs</param>
    public static IReadOnlyList<TokenLength> Of(CsrGraph graph, WalkTokens tokens, TokenSubgraphs edges)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(tokens);
        ArgumentNullException.ThrowIfNull(edges);
        int lengths = tokens.Options.LongestWalk + 1, count = graph.VertexCount;
        long[] each = new long[lengths], vertices = new long[lengths], arcs = new long[lengths];
        var largest = new int[lengths];
        for (int v = 0; v < count; v++)
        {
            for (int p = 0; p < tokens.TokensPerVertex; p++)
            {
                int length = tokens.WalkLength(p);
                long row = ((long)v * tokens.TokensPerVertex) + p, begin = tokens.Offsets[(int)row], end = tokens.Offsets[(int)row + 1];
                each[length]++;
                vertices[length] += end - begin;
                arcs[length] += edges.Offsets[(int)end] - edges.Offsets[(int)begin];
                largest[length] = Math.Max(largest[length], (int)(end - begin));
            }
        }

        int searched = Math.Min(count, Searched);
        double[] ball = new double[lengths], coverage = new double[lengths];
        var steps = new int[count];
        Array.Fill(steps, -1);
        for (int i = 0; i < searched; i++)
        {
            int v = count <= Searched ? i : (int)(i * GoldenRatio % 1 * count);
            int[] within = Within(graph, v, lengths - 1, steps);
            var shares = new double[lengths];
            for (int p = 0; p < tokens.TokensPerVertex; p++)
            {
                int length = tokens.WalkLength(p);
                shares[length] += (double)tokens.Token(v, p).Length / within[length];
            }

            for (int length = 0; length < lengths; length++)
            {
                ball[length] += within[length];
                coverage[length] += shares[length] / (length == 0 ? 1 : tokens.Options.Repeats);
            }
        }

        double Over(double sum, double all) => all > 0 ? sum / all : 0;
        return [.. Enumerable.Range(0, lengths).Reverse().Select(k => new TokenLength(
            k, each[k], Over(vertices[k], each[k]), largest[k], Over(arcs[k] / 2.0, each[k]), Over(ball[k], searched), Over(coverage[k], searched)))];
    }

    /// <summary>Vertices within 0 ... <paramref name="most"/> steps of a vertex.</summary>
    private static int[] Within(CsrGraph graph, int root, int most, int[] steps)
    {
        var found = new List<int> { root };
        var within = new int[most + 1];
        steps[root] = 0;
        for (int i = 0; i < found.Count; i++)
        {
            int at = steps[found[i]];
            within[at]++;
            foreach (int w in graph.Neighbours(found[i]))
            {
                if (at < most && steps[w] < 0)
                {
                    steps[w] = at + 1;
                    found.Add(w);
                }
            }
        }

        foreach (int v in found)
        {
            steps[v] = -1;
        }

        for (int length = 1; length <= most; length++)
        {
            within[length] += within[length - 1];
        }

        return within;
    }
}
