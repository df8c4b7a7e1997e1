namespace MambaExt.Graph.Encodings;

/// <summary>
/// The locally optimal block preconditioned conjugate gradient method (Knyazev, SIAM J. Sci. Comput. 23, 2001) for the smallest eigenvalues of a connected
/// graph's Laplacian beyond its one zero: X, the residuals W = T (L X - X theta) and the last directions P span a space of three blocks, made orthonormal
/// anew in each iteration, from which the best X is taken. Some vectors more than asked for are carried along, so that the last ones converge too.
/// </summary>
internal static class Lobpcg
{
    private const int MostIterations = 500;
    private const int PreconditionerSteps = 30;

    /// <summary>Residuals at rest, of the largest degree.</summary>
    public const double Tolerance = 1e-9;

    /// <summary>Eigenvalues ascending, beginning with the zero, their eigenvectors of length 1, and the largest |L x - theta x|.</summary>
    /// <param name="laplacian">Of n vertices</param>
    /// <param name="count">Pairs, 1 to n</param>
    /// <param name="start">A random number for a vertex and a column</param>
    /// <param name="token">Stops the work</param>
    public static (double[] Values, double[][] Vectors, double Residual) Smallest(ConnectedLaplacian laplacian, int count, Func<int, int, double> start, CancellationToken token = default)
    {
        int n = laplacian.Size, block = Math.Min(count - 1 + Math.Max(3, count / 4), n - 1);
        double[] constant = new double[n];
        Array.Fill(constant, 1 / Math.Sqrt(n));
        if (count == 1)
        {
            return ([0], [constant], 0);
        }

        if (n <= 3 * block + 1)
        {
            // A space of three blocks would be the whole space.
            var (all, columns) = SymmetricEigen.Solve(laplacian.Dense());
            double[][] chosen = [.. Enumerable.Range(1, count - 1).Select(j => Enumerable.Range(0, n).Select(v => columns[v, j]).ToArray())];
            return ([0, .. all[1..count]], [constant, .. chosen], Residual(laplacian, all[1..count], chosen));
        }

        var limits = new ParallelOptions { MaxDegreeOfParallelism = Compute.Threads, CancellationToken = token };
        double[][] x = [.. Enumerable.Range(0, block).Select(j => Enumerable.Range(0, n).Select(v => start(v, j)).ToArray())], w = [], p = [];
        double[] values = [];
        double worst = double.PositiveInfinity, enough = Tolerance * laplacian.LargestDegree;
        for (int iteration = 0; iteration < MostIterations; iteration++)
        {
            var space = new List<double[]>(3 * block);
            foreach (double[] column in x.Concat(w).Concat(p))
            {
                if (Columns.Orthonormalise(column, space))
                {
                    space.Add(column);
                }
            }

            double[][] product = Each(space.Count, limits, i => laplacian.Multiply(space[i]));
            var (theta, weights) = SymmetricEigen.Solve(Projected(space, product, limits));
            values = theta[..block];
            x = Each(block, limits, j => Columns.Combine(space, weights, j));

            // What the new X has from W and P.
            p = Each(block, limits, j => Columns.Combine(space, weights, j, first: block));
            double[][] residuals = Each(block, limits, j =>
            {
                double[] r = Columns.Combine(product, weights, j);
                Columns.Add(r, -values[j], x[j]);
                return r;
            });
            double[] norms = [.. residuals.Select(r => Math.Sqrt(Columns.Dot(r, r)))];
            worst = norms.Take(count - 1).Max();
            if (worst <= enough)
            {
                break;
            }

            double[][] open = [.. residuals.Where((_, j) => norms[j] > 0.1 * enough)];
            w = Each(open.Length, limits, i => laplacian.Precondition(open[i], PreconditionerSteps));
        }

        return ([0, .. values[..(count - 1)]], [constant, .. x[..(count - 1)]], worst);
    }

    /// <summary>S' L S.</summary>
    private static double[,] Projected(List<double[]> space, double[][] product, ParallelOptions limits)
    {
        var projected = new double[space.Count, space.Count];
        Parallel.For(0, space.Count, limits, i =>
        {
            for (int j = 0; j <= i; j++)
            {
                projected[i, j] = projected[j, i] = Columns.Dot(space[i], product[j]);
            }
        });
        return projected;
    }

    private static double[][] Each(int count, ParallelOptions limits, Func<int, double[]> make)
    {
        var made = new double[count][];
        Parallel.For(0, count, limits, i => made[i] = make(i));
        return made;
    }

    private static double Residual(ConnectedLaplacian laplacian, double[] values, double[][] vectors) => values.Zip(vectors, (value, x) =>
    {
        double[] r = laplacian.Multiply(x);
        Columns.Add(r, -value, x);
        return Math.Sqrt(Columns.Dot(r, r));
    }).DefaultIfEmpty(0).Max();
}
