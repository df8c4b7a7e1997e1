using System.Numerics;

namespace MambaExt.Graph.Encodings;

/// <summary>Long columns of doubles, and orthonormal sets of them. Sums run in an order of their own, so threads change nothing.</summary>
internal static class Columns
{
    public static double Dot(double[] a, double[] b)
    {
        Vector<double> sum = Vector<double>.Zero;
        int i = 0;
        for (; i <= a.Length - Vector<double>.Count; i += Vector<double>.Count)
        {
            sum += new Vector<double>(a, i) * new Vector<double>(b, i);
        }

        double rest = Vector.Sum(sum);
        for (; i < a.Length; i++)
        {
            rest += a[i] * b[i];
        }

        return rest;
    }

    /// <summary>y += factor x.</summary>
    public static void Add(double[] y, double factor, double[] x)
    {
        var factors = new Vector<double>(factor);
        int i = 0;
        for (; i <= y.Length - Vector<double>.Count; i += Vector<double>.Count)
        {
            (new Vector<double>(y, i) + (factors * new Vector<double>(x, i))).CopyTo(y, i);
        }

        for (; i < y.Length; i++)
        {
            y[i] += factor * x[i];
        }
    }

    /// <summary>x's part outside of a constant, and of an orthonormal set, of length 1: Gram-Schmidt, again where much was taken away (Daniel et al., Math. Comp. 30, 1976). False where
    /// nothing is left.</summary>
    public static bool Orthonormalise(double[] x, IReadOnlyList<double[]> basis)
    {
        double before = Math.Sqrt(Dot(x, x)), left = before;
        for (int pass = 0; pass < 2; pass++)
        {
            double here = left;
            double mean = 0;
            foreach (double value in x)
            {
                mean += value;
            }

            mean /= x.Length;
            for (int i = 0; i < x.Length; i++)
            {
                x[i] -= mean;
            }

            foreach (double[] other in basis)
            {
                Add(x, -Dot(x, other), other);
            }

            left = Math.Sqrt(Dot(x, x));
            if (left > 0.7 * here)
            {
                break;
            }
        }

        if (!(left > 1e-10 * before))
        {
            return false;
        }

        for (int i = 0; i < x.Length; i++)
        {
            x[i] /= left;
        }

        return true;
    }

    /// <summary>The sum of the columns from <paramref name="first"/> on, each times its weight in a column of <paramref name="weights"/>.</summary>
    public static double[] Combine(IReadOnlyList<double[]> columns, double[,] weights, int column, int first = 0)
    {
        var sum = new double[columns[0].Length];
        for (int i = first; i < columns.Count; i++)
        {
            Add(sum, weights[i, column], columns[i]);
        }

        return sum;
    }
}
