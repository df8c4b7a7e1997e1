namespace MambaExt.Graph.Graphs;

/// <summary>
/// Cuts a graph into parts of nearly the same size with few edges between them, so that a graph too large for memory is trained a part at a time (Chiang et
/// al., arXiv 1905.07953). Vertices come breadth first and go where most of their neighbours are, less eagerly the fuller a part is (linear deterministic
/// greedy, Stanton and Kliot, KDD 2012); then some sweeps move vertices that have more neighbours elsewhere. Nothing is random; time is linear in V + E.
/// </summary>
public static class GraphPartition
{
    private const int Sweeps = 8;

    /// <summary>Percent by which a part may be larger than the mean.</summary>
    private const int Slack = 10;

    /// <summary>The vertices of each part, ascending; none is empty.</summary>
    /// <param name="graph">V vertices</param>
    /// <param name="parts">1 to V</param>
    /// <exception cref="ArgumentException">As many parts cannot be made.</exception>
    public static IReadOnlyList<int[]> Of(CsrGraph graph, int parts)
    {
        ArgumentNullException.ThrowIfNull(graph);
        if (parts < 1 || parts > Math.Max(1, graph.VertexCount))
        {
            throw new ArgumentException($"A graph of {graph.VertexCount} vertices was to be cut into {parts} parts; give 1 to {Math.Max(1, graph.VertexCount)}.");
        }

        var placing = new Placing(graph, parts);
        placing.Place(BreadthFirst(graph));
        for (int sweep = 0; sweep < Sweeps && placing.Sweep(); sweep++)
        {
        }

        var members = new List<int>[parts];
        for (int p = 0; p < parts; p++)
        {
            members[p] = new List<int>(placing.Sizes[p]);
        }

        for (int v = 0; v < graph.VertexCount; v++)
        {
            members[placing.PartOf[v]].Add(v);
        }

        return [.. members.Select(m => m.ToArray())];
    }

    private static int[] BreadthFirst(CsrGraph graph)
    {
        var order = new int[graph.VertexCount];
        var seen = new bool[graph.VertexCount];
        int count = 0;
        for (int root = 0, next = 0; root < order.Length; root++)
        {
            if (!seen[root])
            {
                seen[root] = true;
                order[count++] = root;
            }

            for (; next < count; next++)
            {
                foreach (int w in graph.Neighbours(order[next]))
                {
                    if (!seen[w])
                    {
                        seen[w] = true;
                        order[count++] = w;
                    }
                }
            }
        }

        return order;
    }

    /// <summary>Vertices on their way into parts.</summary>
    private sealed class Placing
    {
        private readonly CsrGraph _graph;
        private readonly int _most;
        private readonly int[] _neighbours;
        private readonly List<int> _touched = [];

        public Placing(CsrGraph graph, int parts)
        {
            _graph = graph;
            _most = (int)Math.Min(graph.VertexCount, (((long)graph.VertexCount * (100 + Slack)) / (100L * parts)) + 1);
            (PartOf, Sizes, _neighbours) = (new int[graph.VertexCount], new int[parts], new int[parts]);
            Array.Fill(PartOf, -1);
        }

        public int[] PartOf { get; }

        public int[] Sizes { get; }

        public void Place(int[] order)
        {
            // Parts that are open, the emptiest first: where no neighbour is anywhere, a vertex goes there.
            var emptiest = new PriorityQueue<int, (int Size, int Part)>(Enumerable.Range(0, Sizes.Length).Select(p => (p, (0, p))));
            for (int i = 0; i < order.Length; i++)
            {
                int v = order[i], best = -1;
                double most = 0;
                Count(v);

                // The last vertices go to parts that would else stay empty.
                bool late = order.Length - i <= Sizes.Length;
                foreach (int p in _touched)
                {
                    double score = _neighbours[p] * (1 - ((double)Sizes[p] / _most));
                    if (!late && Sizes[p] < _most && (score > most || (score == most && score > 0 && p < best)))
                    {
                        (best, most) = (p, score);
                    }
                }

                Forget();
                Put(v, best >= 0 ? best : Emptiest());
            }

            int Emptiest()
            {
                while (true)
                {
                    emptiest.TryPeek(out int part, out (int Size, int) known);
                    if (Sizes[part] == known.Size)
                    {
                        return part;
                    }

                    emptiest.DequeueEnqueue(part, (Sizes[part], part));
                }
            }
        }

        /// <summary>Moves each vertex that has more neighbours in another part with room for it; whether any moved.</summary>
        public bool Sweep()
        {
            bool moved = false;
            for (int v = 0; v < PartOf.Length; v++)
            {
                int own = PartOf[v], best = own;
                Count(v);
                foreach (int p in _touched)
                {
                    bool more = _neighbours[p] > _neighbours[best] || (best != own && _neighbours[p] == _neighbours[best] && p < best);
                    best = more && Sizes[p] < _most && Sizes[own] > 1 ? p : best;
                }

                Forget();
                if (best != own)
                {
                    Sizes[own]--;
                    Put(v, best);
                    moved = true;
                }
            }

            return moved;
        }

        private void Put(int v, int part)
        {
            PartOf[v] = part;
            Sizes[part]++;
        }

        private void Count(int v)
        {
            foreach (int w in _graph.Neighbours(v))
            {
                int part = PartOf[w];
                if (part >= 0 && _neighbours[part]++ == 0)
                {
                    _touched.Add(part);
                }
            }
        }

        private void Forget()
        {
            foreach (int part in _touched)
            {
                _neighbours[part] = 0;
            }

            _touched.Clear();
        }
    }
}
