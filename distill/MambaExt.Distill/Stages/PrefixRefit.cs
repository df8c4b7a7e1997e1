namespace MambaExt.Distill.Stages;

/// <summary>
/// The weights of a prefix, fitted on images that no student was trained on:
/// <code>
/// J(w) = - mean_i log softmax(sum_u w_u s_u(x_i))_(y_i) + ridge |w|^2
/// </code>
/// J is convex in the t weights; Newton's method with halved steps, in double precision. Started from the weights of the prefix before it and
/// a zero, it never ends above their J.
/// </summary>
public static class PrefixRefit
{
    /// <summary>Beside the likelihood, so that two students that agree share their weight.</summary>
    public const double Ridge = 1e-3;

    private const int MostSteps = 50;

    /// <summary>Fits.</summary>
    /// <param name="logits">Of each student, [M, K] row by row</param>
    /// <param name="labels">Class of each image, [M]</param>
    /// <param name="start">Weights of the prefix before; the last student starts from 0, or alone from 1</param>
    /// <returns>The weights, and J.</returns>
    public static (double[] Weights, double Objective) Fit(IReadOnlyList<float[]> logits, int[] labels, IReadOnlyList<double>? start = null)
    {
        int t = logits.Count, classes = logits[0].Length / labels.Length;
        double[] w = start is null ? [.. Enumerable.Repeat(1.0 / t, t)] : [.. start, .. new double[t - start.Count]];
        var (value, gradient, curvature) = Derivatives(logits, labels, classes, w);
        for (int step = 0; step < MostSteps; step++)
        {
            double[] direction = Solve(curvature, gradient);
            double descent = gradient.Zip(direction, (a, b) => a * b).Sum();
            if (descent < 1e-14)
            {
                break;
            }

            double length = 1, reached = double.PositiveInfinity;
            double[] next = w;
            for (int halving = 0; halving < 40 && reached > value - (1e-4 * length * descent); halving++, length /= 2)
            {
                double factor = length;
                next = [.. w.Zip(direction, (a, b) => a - (factor * b))];
                reached = Objective(logits, labels, next);
            }

            if (!(reached < value))
            {
                break;
            }

            w = next;
            (value, gradient, curvature) = Derivatives(logits, labels, classes, w);
        }

        return (w, value);
    }

    /// <summary>J at some weights.</summary>
    public static double Objective(IReadOnlyList<float[]> logits, int[] labels, IReadOnlyList<double> weights)
    {
        int classes = logits[0].Length / labels.Length;
        double sum = 0;
        var z = new double[classes];
        for (int i = 0; i < labels.Length; i++)
        {
            Mix(logits, weights, i, z);
            sum += LogSumExp(z) - z[labels[i]];
        }

        return (sum / labels.Length) + (Ridge * weights.Sum(w => w * w));
    }

    private static (double Value, double[] Gradient, double[,] Curvature) Derivatives(IReadOnlyList<float[]> logits, int[] labels, int classes, double[] w)
    {
        int t = w.Length;
        double value = 0;
        double[] z = new double[classes], gradient = new double[t], mean = new double[t];
        var curvature = new double[t, t];
        for (int i = 0; i < labels.Length; i++)
        {
            Mix(logits, w, i, z);
            double all = LogSumExp(z);
            value += all - z[labels[i]];
            Array.Clear(mean);
            for (int k = 0; k < classes; k++)
            {
                double p = Math.Exp(z[k] - all);
                for (int u = 0; u < t; u++)
                {
                    double s = logits[u][(i * classes) + k];
                    mean[u] += p * s;
                    for (int v = 0; v <= u; v++)
                    {
                        curvature[u, v] += p * s * logits[v][(i * classes) + k];
                    }
                }
            }

            for (int u = 0; u < t; u++)
            {
                gradient[u] += mean[u] - logits[u][(i * classes) + labels[i]];
                for (int v = 0; v <= u; v++)
                {
                    curvature[u, v] -= mean[u] * mean[v];
                }
            }
        }

        for (int u = 0; u < t; u++)
        {
            gradient[u] = (gradient[u] / labels.Length) + (2 * Ridge * w[u]);
            for (int v = 0; v <= u; v++)
            {
                curvature[u, v] = curvature[v, u] = (curvature[u, v] / labels.Length) + (u == v ? 2 * Ridge : 0);
            }
        }

        return ((value / labels.Length) + (Ridge * w.Sum(x => x * x)), gradient, curvature);
    }

    private static void Mix(IReadOnlyList<float[]> logits, IReadOnlyList<double> weights, int sample, double[] z)
    {
        Array.Clear(z);
        for (int u = 0; u < weights.Count; u++)
        {
            for (int k = 0; k < z.Length; k++)
            {
                z[k] += weights[u] * logits[u][(sample * z.Length) + k];
            }
        }
    }

    private static double LogSumExp(double[] z)
    {
        double most = z.Max();
        return most + Math.Log(z.Sum(v => Math.Exp(v - most)));
    }

    /// <summary>The Cholesky solution of a positive definite system; the ridge keeps it so.</summary>
    private static double[] Solve(double[,] a, double[] b)
    {
        int n = b.Length;
        var l = new double[n, n];
        for (int i = 0; i < n; i++)
        {
            for (int j = 0; j <= i; j++)
            {
                double sum = a[i, j];
                for (int k = 0; k < j; k++)
                {
                    sum -= l[i, k] * l[j, k];
                }

                l[i, j] = i == j ? Math.Sqrt(Math.Max(sum, 1e-12)) : sum / l[j, j];
            }
        }

        double[] x = [.. b];
        for (int i = 0; i < n; i++)
        {
            for (int k = 0; k < i; k++)
            {
                x[i] -= l[i, k] * x[k];
            }

            x[i] /= l[i, i];
        }

        for (int i = n - 1; i >= 0; i--)
        {
            for (int k = i + 1; k < n; k++)
            {
                x[i] -= l[k, i] * x[k];
            }

            x[i] /= l[i, i];
        }

        return x;
    }
}
