using System.Text;
using System.Text.Json.Nodes;
using MambaExt.Distill.Accounting;
using MambaExt.Distill.Training;
using MambaExt.Kernels;
using MambaExt.Reports;
using MambaExt.Runs;

namespace MambaExt.Cli;

/// <summary>What <c>distill run</c> and the cells of <c>distill compare</c> share.</summary>
internal static class DistillRuns
{
    /// <summary>Runs or goes on with one experiment in its folder and writes result, table and report.</summary>
    public static DistillResult Execute(RunSession session, DistillTask task, int seeds, int first, double checkpointSeconds, CancellationToken token)
    {
        var experiment = new Experiment<DistillKey, DistillPart>(session.Folder, TimeSpan.FromSeconds(checkpointSeconds), Console.Error.WriteLine);
        if (session.Resumed)
        {
            experiment.Resume();
        }

        var view = new DistillProgressView(new DistillExperiment(task, seeds, first).Keys.Count, Console.Error);
        DistillResult result = new DistillExperiment(task, seeds, first) { Epoch = view.Epoch, Done = view.Done }.Run(experiment, session.Path, token);
        session.Folder!.WriteResult(result);
        PartialFile.Write(Path.Combine(session.Path, "prefixes.csv"), stream => stream.Write(Encoding.UTF8.GetBytes(DistillCsv.Of(result))));
        RunReport.Write([session.Path], Path.Combine(session.Path, RunReport.FileName));
        return result;
    }

    /// <summary>Data, recipe and ladder for <c>config.json</c>.</summary>
    public static JsonObject Describe(DistillTask task, int first, int seeds) => (JsonObject)JsonResult.Node(new
    {
        dataset = task.Data.Name,
        files = task.Data.Files.Select(f => new { f.Name, f.Bytes, f.Sha256, f.Official }),
        variant = task.Data.Variant.ToString().ToLowerInvariant(),
        classes = task.Data.ClassNames,
        images = new { train = task.Train.Count, held_out = task.HeldOut.Count, test = task.Test.Count, trained = task.TrainedImages, normalization = task.Normalization.ToString(), fingerprint = task.Train.Fingerprint },
        recipe = task.Recipe,
        ladder = task.Recipe.Ladder().Select(o => o.Size),
        flops_convention = FlopCount.Convention,
        runs = Enumerable.Range(first, seeds).Select(seed => new { seed }),
    });
}
