namespace MambaExt.Tests.Vision;

/// <summary>The selective scan of one sequence as plain loops over numbers, for the scans over maps.</summary>
internal static class NaiveMapScan
{
    public static double Silu(double x) => x / (1 + Math.Exp(-x));

    public static double Softplus(double x) => x > 30 ? x : Math.Log(1 + Math.Exp(x));

    /// <summary>y[l, d] of u[l, d], delta[l, d] (after softplus), A[d, n], B[l, n], C[l, n], D[d].</summary>
    public static double[,] Scan(double[,] u, double[,] delta, double[,] a, double[,] b, double[,] c, double[] skip)
    {
        int length = u.GetLength(0), channels = u.GetLength(1), states = a.GetLength(1);
        var y = new double[length, channels];
        for (int d = 0; d < channels; d++)
        {
            var h = new double[states];
            for (int l = 0; l < length; l++)
            {
                y[l, d] = skip[d] * u[l, d];
                for (int n = 0; n < states; n++)
                {
                    h[n] = (Math.Exp(delta[l, d] * a[d, n]) * h[n]) + (delta[l, d] * u[l, d] * b[l, n]);
                    y[l, d] += c[l, n] * h[n];
                }
            }
        }

        return y;
    }

    /// <summary>rows [L, i] times weight [o, i] transposed, and a bias if there is one.</summary>
    public static double[,] Linear(double[,] rows, double[,] weight, double[]? bias = null)
    {
        var result = new double[rows.GetLength(0), weight.GetLength(0)];
        for (int l = 0; l < rows.GetLength(0); l++)
        {
            for (int o = 0; o < weight.GetLength(0); o++)
            {
                result[l, o] = bias?[o] ?? 0;
                for (int i = 0; i < rows.GetLength(1); i++)
                {
                    result[l, o] += rows[l, i] * weight[o, i];
                }
            }
        }

        return result;
    }

    /// <summary>Some columns.</summary>
    public static double[,] Columns(double[,] rows, int first, int count)
    {
        var part = new double[rows.GetLength(0), count];
        for (int l = 0; l < rows.GetLength(0); l++)
        {
            for (int c = 0; c < count; c++)
            {
                part[l, c] = rows[l, first + c];
            }
        }

        return part;
    }

    /// <summary>The cells (row, column) of a map in the order of a direction: 0 row-major, 1 its reverse, 2 column-major, 3 its reverse.</summary>
    public static (int Row, int Column)[] Walk(int direction, int height, int width)
    {
        var cells = new List<(int, int)>();
        for (int outer = 0; outer < (direction < 2 ? height : width); outer++)
        {
            for (int inner = 0; inner < (direction < 2 ? width : height); inner++)
            {
                cells.Add(direction < 2 ? (outer, inner) : (inner, outer));
            }
        }

        if (direction % 2 == 1)
        {
            cells.Reverse();
        }

        return [.. cells];
    }
}
