namespace MambaExt.Distill.Tests.Losses;

/// <summary>The formulas of the losses as plain loops in double precision, sharing nothing with the library.</summary>
internal static class LossReference
{
    public static double[] Softmax(double[] z, double tau = 1)
    {
        double most = z.Max() / tau, sum = 0;
        var p = new double[z.Length];
        for (int k = 0; k < z.Length; k++)
        {
            sum += p[k] = Math.Exp((z[k] / tau) - most);
        }

        return [.. p.Select(v => v / sum)];
    }

    public static double CrossEntropy(double[][] z, int[] y)
    {
        double sum = 0;
        for (int i = 0; i < z.Length; i++)
        {
            sum -= Math.Log(Softmax(z[i])[y[i]]);
        }

        return sum / z.Length;
    }

    public static double Kl(double[] p, double[] q)
    {
        double sum = 0;
        for (int k = 0; k < p.Length; k++)
        {
            sum += p[k] * (Math.Log(p[k]) - Math.Log(q[k]));
        }

        return sum;
    }

    public static double Kd(double[][] student, double[][] teacher, double tau)
    {
        double sum = 0;
        for (int i = 0; i < student.Length; i++)
        {
            sum += Kl(Softmax(teacher[i], tau), Softmax(student[i], tau));
        }

        return tau * tau * sum / student.Length;
    }

    public static double Standardized(double[][] student, double[][] teacher, double tau)
    {
        return Kd([.. student.Select(Standard)], [.. teacher.Select(Standard)], tau);

        static double[] Standard(double[] z)
        {
            double mean = z.Average(), deviation = Math.Sqrt(z.Sum(v => (v - mean) * (v - mean)) / (z.Length - 1));
            return [.. z.Select(v => (v - mean) / (deviation + 1e-7))];
        }
    }

    /// <summary>TCKD and NCKD of one sample, without tau^2.</summary>
    public static (double Target, double Others) Decoupled(double[] student, double[] teacher, int y, double tau)
    {
        double[] p = Softmax(teacher, tau), q = Softmax(student, tau);
        double target = Kl([p[y], 1 - p[y]], [q[y], 1 - q[y]]);
        double[] others(double[] z) => [.. z.Where((_, k) => k != y).Select(v => v / (1 - z[y]))];
        return (target, Kl(others(p), others(q)));
    }

    public static double Dkd(double[][] student, double[][] teacher, int[] y, double alpha, double beta, double tau)
    {
        double sum = 0;
        for (int i = 0; i < y.Length; i++)
        {
            var (target, others) = Decoupled(student[i], teacher[i], y[i], tau);
            sum += (alpha * target) + (beta * others);
        }

        return tau * tau * sum / y.Length;
    }

    public static double Dist(double[][] student, double[][] teacher, double beta, double gamma, double tau)
    {
        double[][] p = [.. student.Select(z => Softmax(z, tau))], q = [.. teacher.Select(z => Softmax(z, tau))];
        double inter = 1 - Enumerable.Range(0, p.Length).Average(i => Pearson(p[i], q[i]));
        double intra = 1 - Enumerable.Range(0, p[0].Length).Average(j => Pearson([.. p.Select(r => r[j])], [.. q.Select(r => r[j])]));
        return tau * tau * ((beta * inter) + (gamma * intra));
    }

    private static double Pearson(double[] a, double[] b)
    {
        double x = a.Average(), y = b.Average(), ab = 0, aa = 0, bb = 0;
        for (int i = 0; i < a.Length; i++)
        {
            ab += (a[i] - x) * (b[i] - y);
            aa += (a[i] - x) * (a[i] - x);
            bb += (b[i] - y) * (b[i] - y);
        }

        return ab / (Math.Sqrt(aa * bb) + 1e-8);
    }
}
