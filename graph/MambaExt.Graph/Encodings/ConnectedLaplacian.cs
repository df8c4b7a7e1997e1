using MambaExt.Graph.Graphs;

namespace MambaExt.Graph.Encodings;

/// <summary>L = D - A of one connected component with n of at least 2 vertices, as an operator on columns [n].</summary>
internal sealed class ConnectedLaplacian
{
    private readonly int[] _offsets;
    private readonly int[] _targets;

    /// <param name="graph">The whole graph</param>
    /// <param name="vertices">The component, ascending</param>
    public ConnectedLaplacian(CsrGraph graph, int[] vertices)
    {
        _offsets = new int[vertices.Length + 1];
        for (int i = 0; i < vertices.Length; i++)
        {
            _offsets[i + 1] = _offsets[i] + graph.Degree(vertices[i]);
        }

        _targets = new int[_offsets[^1]];
        for (int i = 0, at = 0; i < vertices.Length; i++)
        {
            foreach (int w in graph.Neighbours(vertices[i]))
            {
                _targets[at++] = Array.BinarySearch(vertices, w);
            }
        }
    }

    /// <summary>n.</summary>
    public int Size => _offsets.Length - 1;

    /// <summary>The largest degree; no eigenvalue is beyond twice of it.</summary>
    public int LargestDegree => Enumerable.Range(0, Size).Max(Degree);

    /// <summary>Of a vertex.</summary>
    public int Degree(int vertex) => _offsets[vertex + 1] - _offsets[vertex];

    /// <summary>L x.</summary>
    public double[] Multiply(double[] x)
    {
        var y = new double[x.Length];
        for (int v = 0; v < y.Length; v++)
        {
            double sum = 0;
            for (int arc = _offsets[v]; arc < _offsets[v + 1]; arc++)
            {
                sum += x[_targets[arc]];
            }

            y[v] = (Degree(v) * x[v]) - sum;
        }

        return y;
    }

    /// <summary>All of L, [n, n], for components that are no larger than a search space.</summary>
    public double[,] Dense()
    {
        var dense = new double[Size, Size];
        for (int v = 0; v < Size; v++)
        {
            dense[v, v] = Degree(v);
            for (int arc = _offsets[v]; arc < _offsets[v + 1]; arc++)
            {
                dense[v, _targets[arc]] = -1;
            }
        }

        return dense;
    }

    /// <summary>
    /// About the solution of L w = r: some steps of Chebyshev's semi-iteration on D^-1 L, whose eigenvalues lie from 0 to 2, tuned to those from
    /// 8 / steps^2 on (Golub and Varga 1961). A fixed polynomial, symmetric and positive where it precedes D^-1, so it is a preconditioner.
    /// </summary>
    public double[] Precondition(double[] r, int steps)
    {
        double low = 8.0 / ((double)steps * steps), centre = (2 + low) / 2, radius = (2 - low) / 2, ratio = centre / radius, rho = 1 / ratio;
        int n = r.Length;
        double[] w = new double[n], d = new double[n];
        for (int v = 0; v < n; v++)
        {
            w[v] = d[v] = r[v] / Degree(v) / centre;
        }

        for (int step = 1; step < steps; step++)
        {
            double next = 1 / ((2 * ratio) - rho), keep = next * rho, take = 2 * next / radius;
            double[] lw = Multiply(w);
            for (int v = 0; v < n; v++)
            {
                d[v] = (keep * d[v]) + (take * (r[v] - lw[v]) / Degree(v));
                w[v] += d[v];
            }

            rho = next;
        }

        return w;
    }
}
