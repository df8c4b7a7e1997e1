using System.Text.Json.Serialization;
using MambaExt.Fscil.Protocol;

namespace MambaExt.Fscil.Metrics;

/// <summary>
/// The scores of a whole run, all from counts of right answers in the joint label space; b classes in the base session, T sessions behind it.
/// <code>
/// A[t][j]        accuracy on the classes of session j after session t, j up to t
/// average        mean over t = 0 ... T of the overall accuracy (unweighted, the base session included)
/// drop           overall accuracy after session 0 minus that after session T (performance drop, PD)
/// harmonic_mean  mean over t = 1 ... T of 2 b n / (b + n), b and n the base and novel accuracy after t
/// g_acc          area under a -> mean over t of (a A[t][0] + sum over 0 &lt; j up to t of A[t][j]) / (a + t), a from 0 to r, divided by r;
///                r = base classes / classes of session 1
/// forgetting     mean over j &lt; T of max over t &lt; T of A[t][j], minus A[T][j]
/// bwt            mean over j &lt; T of A[T][j] - A[j][j] (backward transfer)
/// </code>
/// </summary>
public sealed record FscilScores(
    IReadOnlyList<SessionScores> sessions, double average, double drop, double harmonic_mean, double harmonic_last, double g_acc, double forgetting, double bwt, double[][] matrix)
{
    /// <summary>Test images of each class (rows) that were called each class (columns) after the last session.</summary>
    [JsonIgnore]
    public int[,] Confusion { get; init; } = new int[0, 0];

    /// <summary>The same for results, where it is of at most <see cref="MostShown"/> classes; larger ones are in the run's tables.</summary>
    public int[][]? confusion { get; init; }

    /// <summary>Classes of the largest confusion matrix that a result holds.</summary>
    public const int MostShown = 100;

    /// <summary>Counts.</summary>
    /// <param name="protocol">Of the run</param>
    /// <param name="answers">Of the base session and at least one behind it: the true and the predicted class of each test image of the classes seen so far</param>
    public static FscilScores Of(FscilProtocol protocol, IReadOnlyList<(int[] True, int[] Predicted)> answers)
    {
        int last = answers.Count - 1;
        var matrix = new double[answers.Count][];
        var sessions = new SessionScores[answers.Count];
        for (int t = 0; t < answers.Count; t++)
        {
            var (right, all) = Count(protocol, answers[t], t);
            matrix[t] = [.. Enumerable.Range(0, t + 1).Select(j => Percent(right[j], all[j]))];
            double? novel = Part(1, t + 1);
            double old = Part(0, 1)!.Value;
            sessions[t] = new SessionScores(t, protocol.SeenClasses(t), Part(0, t + 1)!.Value, old, novel, Part(1, t), Part(t, t + 1)!.Value, novel is { } n ? Harmonic(old, n) : null);

            double? Part(int from, int to) => from >= to ? null : Percent(right[from..to].Sum(), all[from..to].Sum());
        }

        double ratio = last > 0 ? (double)protocol.BaseClasses / protocol.Sessions[1].ClassCount : 1;
        int[] earlier = [.. Enumerable.Range(0, last)];
        int[,] confusion = Confuse(protocol.SeenClasses(last), answers[last]);
        return new FscilScores(
            sessions, sessions.Average(s => s.overall), sessions[0].overall - sessions[last].overall, Mean(sessions.Skip(1).Select(s => s.harmonic!.Value)), sessions[last].harmonic ?? double.NaN,
            matrix.Select((row, t) => Generalized(row, t, ratio)).Average(),
            Mean(earlier.Select(j => Enumerable.Range(j, last - j).Max(t => matrix[t][j]) - matrix[last][j])),
            Mean(earlier.Select(j => matrix[last][j] - matrix[j][j])), matrix)
        {
            Confusion = confusion, confusion = confusion.GetLength(0) <= MostShown ? Rows(confusion) : null,
        };
    }

    /// <summary>2 b n / (b + n); 0 where both are 0.</summary>
    public static double Harmonic(double b, double n) => b + n == 0 ? 0 : 2 * b * n / (b + n);

    /// <summary>
    /// The mean over a of (a b + s) / (a + t) with b = A[t][0] and s the sum of the others is b + (s - t b) ln((r + t) / t) / r, exactly; b alone in session 0.
    /// </summary>
    private static double Generalized(double[] row, int t, double ratio) =>
        t == 0 ? row[0] : row[0] + ((row[1..].Sum() - (t * row[0])) * Math.Log((ratio + t) / t) / ratio);

    private static (int[] Right, int[] All) Count(FscilProtocol protocol, (int[] True, int[] Predicted) answers, int session)
    {
        int[] right = new int[session + 1], all = new int[session + 1];
        int[] sessionOf = [.. Enumerable.Range(0, protocol.SeenClasses(session)).Select(protocol.SessionOf)];
        for (int i = 0; i < answers.True.Length; i++)
        {
            int j = sessionOf[answers.True[i]];
            all[j]++;
            right[j] += answers.True[i] == answers.Predicted[i] ? 1 : 0;
        }

        return (right, all);
    }

    private static int[,] Confuse(int classes, (int[] True, int[] Predicted) answers)
    {
        var counts = new int[classes, classes];
        for (int i = 0; i < answers.True.Length; i++)
        {
            counts[answers.True[i], answers.Predicted[i]]++;
        }

        return counts;
    }

    private static int[][] Rows(int[,] matrix) => [.. Enumerable.Range(0, matrix.GetLength(0)).Select(r => Enumerable.Range(0, matrix.GetLength(1)).Select(c => matrix[r, c]).ToArray())];

    private static double Percent(int right, int all) => 100.0 * right / all;

    private static double Mean(IEnumerable<double> values) => values.DefaultIfEmpty(double.NaN).Average();
}
