using System.Globalization;
using System.Text;

namespace MambaExt.Distill.Training;

/// <summary>A result as one CSV: a row a prefix and seed, and rows for the teacher, every student alone and without a teacher, the thresholds of early exit, and the single student.</summary>
public static class DistillCsv
{
    private const string Header = "dataset,mode,seed,model,students,size,parameters,flops,flops_fraction,accuracy,nll,ece,agreement,kl,weight,latency_b1_us,latency_b1_p95_us,latency_b64_us,latency_b64_p95_us,latency_b1_one_thread_us,latency_b64_one_thread_us,latency_b1_all_threads_us,latency_b64_all_threads_us,theta";

    /// <summary>The whole file.</summary>
    public static string Of(DistillResult result)
    {
        var text = new StringBuilder(Header).Append('\n');
        long whole = result.teacher.flops;
        foreach (DistillPart part in result.runs)
        {
            if (part.evaluation is not { } seed)
            {
                continue;
            }

            Row(part.seed, "teacher", 0, result.teacher.size, result.teacher.parameters, whole, seed.teacher, timed: Of(result.teacher));
            foreach (PrefixEvaluation p in seed.prefixes)
            {
                PrefixResult? timed = result.prefixes.FirstOrDefault(r => r.students == p.students && r.size == p.size);
                Row(part.seed, "prefix", p.students, p.size, p.parameters, p.flops, p.scores, p.weight, timed is null ? null : new(timed.latency_b1_us, timed.latency_b1_p95_us, timed.latency_b64_us, timed.latency_b64_p95_us, timed.latency));
                Row(part.seed, "prefix, own weights", p.students, p.size, p.parameters, p.flops, p.own);
                Row(part.seed, "student alone", p.students, p.size, null, p.solo_flops, p.solo, timed: timed is null ? null : new(timed.solo_latency_b1_us, timed.solo_latency_b1_p95_us, timed.solo_latency_b64_us, timed.solo_latency_b64_p95_us, timed.solo_latency));
                if (p.without_teacher is { } without)
                {
                    Row(part.seed, "student without teacher", p.students, p.size, null, p.solo_flops, without);
                }
            }

            foreach (Inference.ExitPoint exit in seed.early_exit)
            {
                // One threshold for all prefixes, chosen on held-out images; operations are the mean an image.
                text.Append(CultureInfo.InvariantCulture, $"{result.dataset},{result.mode},{part.seed},\"early exit\",{seed.prefixes.Count},,,{exit.mean_flops:f0},{exit.mean_flops / whole:g6},{exit.accuracy:g6},,,,,,,,,,,,,,{exit.theta:g6}\n");
            }

            if (seed.single is { } single && result.single_student is { } one)
            {
                Row(part.seed, "one student", 1, one.size, one.parameters, one.flops, single, timed: Of(one));
            }
        }

        return text.ToString();

        void Row(int seed, string model, int students, string? size, long? parameters, long flops, Stages.Scores s, double? weight = null, Times? timed = null) =>
            text.Append(CultureInfo.InvariantCulture, $"{result.dataset},{result.mode},{seed},\"{model}\",{students},{size},{parameters},{flops},{(double)flops / whole:g6},{s.accuracy:g6},{s.nll:g6},{s.ece:g6},{s.agreement:g6},{s.kl:g6},{weight:g6},")
                .Append(CultureInfo.InvariantCulture, $"{timed?.One:f1},{timed?.OneP95:f1},{timed?.Many:f1},{timed?.ManyP95:f1},")
                .Append(CultureInfo.InvariantCulture, $"{timed?.At(1, 0):f1},{timed?.At(64, 0):f1},{timed?.At(1, ^1):f1},{timed?.At(64, ^1):f1},\n");

        static Times Of(ModelResult model) => new(model.latency_b1_us, model.latency_b1_p95_us, model.latency_b64_us, model.latency_b64_p95_us, model.latency);
    }

    /// <summary>Microseconds.</summary>
    private sealed record Times(double One, double OneP95, double Many, double ManyP95, IReadOnlyList<LatencyPoint> Threads)
    {
        /// <summary>Median of a batch on the fewest or the most threads.</summary>
        public double At(int batch, Index threads) => Threads.Where(p => p.batch == batch).ToArray()[threads].median_us;
    }
}
