using MambaExt.Cli.Tests.Support;

namespace MambaExt.Cli.Tests;

/// <summary>Every mistake gets one sentence on standard error, nothing on standard output, and exit code 1 or 2.</summary>
public class WrongUseTests
{
    private const string Grid = "graph train --dataset minesweeper-grid ";

    [Theory]
    [InlineData("grpah train", "no command 'grpah'", "did you mean graph?", "'mambaext --help'")]
    [InlineData("banana", "no command 'banana'", "'mambaext --help'")]
    [InlineData("graph trian", "no command 'trian'", "did you mean train?")]
    [InlineData(Grid + "--epoch 3", "no option '--epoch'", "did you mean --epochs?", "'mambaext graph train --help'")]
    [InlineData(Grid + "--d-model 8", "did you mean --d_model?")]
    [InlineData(Grid + "extra", "no place for 'extra'")]
    [InlineData(Grid + "--mpnn_residual maybe", "no place for 'maybe'")]
    [InlineData("graph train", "--dataset is missing", "minesweeper-grid")]
    [InlineData("graph train --dataset", "--dataset needs a value")]
    [InlineData("graph train --dataset coar", "'coar'", "did you mean cora?")]
    [InlineData("graph train --dataset banana", "'banana'", "known are cora")]
    [InlineData(Grid + "--epochs x", "--epochs is 'x'", "whole number")]
    [InlineData(Grid + "--epochs 0", "epochs is 0", "1 or more")]
    [InlineData(Grid + "--epochs 99999999999", "--epochs is '99999999999'")]
    [InlineData(Grid + "--learning_rate nan", "--learning_rate is 'nan'", "finite number")]
    [InlineData(Grid + "--learning_rate 1e400", "--learning_rate is '1e400'", "finite number")]
    [InlineData(Grid + "--learning_rate -1", "learning_rate is -1", "above 0")]
    [InlineData(Grid + "--learning_rate 0,1", "--learning_rate is '0,1'")]
    [InlineData(Grid + "--weight_decay -inf", "--weight_decay is '-inf'")]
    [InlineData(Grid + "--dropout 1", "dropout", "are 1 and 0")]
    [InlineData(Grid + "--layer_scale NaN", "--layer_scale is 'NaN'")]
    [InlineData(Grid + "--d_model 0", "d_model is 0")]
    [InlineData(Grid + "--d_state 257", "d_state is 257", "1 to 256")]
    [InlineData(Grid + "--d_model 8 --d_model 9", "--d_model", "2 were provided")]
    [InlineData(Grid + "--M 0", "(M) is 0")]
    [InlineData(Grid + "--m -1", "(m) is -1")]
    [InlineData(Grid + "--order up", "order", "'up'", "degree")]
    [InlineData(Grid + "--eval_orders 0", "eval_orders is 0", "1 to 1000")]
    [InlineData(Grid + "--lap_pe 64", "lap_pe and rwse are 64 and 0", "leave channels")]
    [InlineData(Grid + "--lap_eigs 0", "lap_eigs is 0", "1 to 256")]
    [InlineData(Grid + "--rwse_steps 0", "rwse_steps is 0", "1 to 1000")]
    [InlineData(Grid + "--model gmb --form preprint", "form is 'preprint'", "code and paper")]
    [InlineData(Grid + "--form paper", "--form was given", "graph-mamba has not")]
    [InlineData(Grid + "--mpnn 7", "--mpnn is '7'", "gcn")]
    [InlineData(Grid + "--model no-scam", "--model is 'no-scam'", "did you mean no-scan?")]
    [InlineData(Grid + "--ablations --model no-scan", "--ablations", "--model")]
    [InlineData(Grid + "--splits 11", "--splits is 11", "give 1 to 10")]
    [InlineData(Grid + "--seeds 0", "--seeds is '0'", "1 to 1000")]
    [InlineData(Grid + "--threads 0", "--threads is '0'", "1 to 1024")]
    [InlineData(Grid + "--threads many", "--threads is 'many'", "1 to 1024")]
    [InlineData("graph train --graph e.csv", "--graph is given without --labels")]
    [InlineData("graph train --graph e.csv --dataset cora --labels l.csv", "--graph", "--dataset", "one of the two")]
    [InlineData("graph train --graph e.csv --data . --labels l.csv", "--graph", "--data")]
    [InlineData("graph train --graph /none/e.csv --labels /none/l.csv", "'/none/l.csv' does not exist")]
    [InlineData(Grid + "--labels l.csv", "--labels", "--graph FILE")]
    [InlineData(Grid + "--split geom-gcn", "minesweeper-grid has no geom-gcn splits")]
    [InlineData(Grid + "--split own --split-seed 3", "--split-seed is 3", "--split random")]
    [InlineData(Grid + "--split half", "--split is 'half'", "own, public, random, geom-gcn")]
    [InlineData("data get", "No data set was given")]
    [InlineData("data get coar --data /tmp/none-of-it", "'coar'", "did you mean cora?")]
    [InlineData("data get cora --data /tmp/none-of-it --from file:///etc", "--from is 'file:///etc'")]
    [InlineData("data get minesweeper-grid --data .", "needs no files")]
    [InlineData("data check cora --data /there/is/none", "'/there/is/none' does not exist")]
    [InlineData("data list --data /there/is/none", "'/there/is/none' does not exist")]
    [InlineData(Grid + "--layers 3", "--layers was given", "graph-mamba has not")]
    [InlineData(Grid + "--model gcn --mpnn sage", "--mpnn was given", "gcn has not")]
    [InlineData(Grid + "--model gcn --norm group", "norm is 'group'", "layer")]
    [InlineData(Grid + "--model gat --d_model 10 --heads 4", "heads is 4", "divisors")]
    [InlineData(Grid + "--class_weights some", "class_weights is 'some'", "balanced")]
    [InlineData("graph compare --models gcn", "--datasets is missing", "cora")]
    [InlineData("graph compare --datasets minesweeper-grid", "--models is missing", "deep-mamba")]
    [InlineData("graph compare --datasets minesweeper-grid --models gcnn", "no model 'gcnn'", "did you mean gcn?")]
    [InlineData("graph compare --datasets , --models gcn", "--datasets is ','", "commas")]
    [InlineData("graph compare --datasets minesweeper-grid --models gcn --splits 11", "--splits is 11", "give 1 to 10")]
    [InlineData("graph compare --datasets minesweeper-grid --models gcn --trials 99", "--trials is '99'", "1 to 8")]
    [InlineData("graph compare --datasets minesweeper-grid --models gcn --trial-splits 2", "--trial-splits", "--trials 2")]
    [InlineData("fscil compare --dataset digits --methods teen --trial-score average", "--trial-score chooses", "--trials 8")]
    [InlineData("fscil compare --dataset digits --methods teen --trials 2 --trial-score averige", "--trial-score is 'averige'", "balanced, average")]
    [InlineData("verify", "No folder was given")]
    [InlineData("verify /there/is/none", "no folder '/there/is/none'")]
    [InlineData("verify . --vector-bits", "--vector-bits needs a value", "128|256|512")]
    [InlineData("verify . --vector-bits 64", "--vector-bits is '64'", "128, 256, 512")]
    [InlineData("verify . --threads 1025", "--threads is '1025'")]
    [InlineData("bench scan --shape 1x2", "--shape is '1x2'", "BxLxDxN")]
    [InlineData("bench scan --shape axbxcxd", "--shape is 'axbxcxd'")]
    [InlineData("bench scan --shape 0x1x1x1", "--shape is '0x1x1x1'")]
    [InlineData("bench scan --shape 1x1x1x257", "N at most 256")]
    [InlineData("bench scan --shape 99999999999999999999x1x1x1", "--shape is '99999999999999999999x1x1x1'")]
    [InlineData("bench scan --suite --shape 1x1x1x1", "--suite", "--shape")]
    [InlineData("bench scan --dtype half", "--dtype is 'half'", "float32, float64")]
    [InlineData("bench scan --rounds x", "--rounds is 'x'", "1 to 1000")]
    [InlineData("bench comm --rounds 0", "--rounds is '0'", "1 to 1000")]
    public async Task Wrong_arguments_are_answered_by_one_sentence(string line, params string[] mentions) =>
        (await CliRun.Line(line)).Refuses(1, mentions);

    [Theory]
    [InlineData("", "graph", "fscil", "distill", "verify", "bench", "data", "report")]
    [InlineData("data", "list", "get", "check")]
    [InlineData("graph", "train", "compare", "tokens", "predict")]
    [InlineData("distill", "run", "compare", "predict", "inspect")]
    [InlineData("bench", "scan", "graph", "comm")]
    public async Task A_missing_command_is_answered_by_the_help_on_standard_error(string line, params string[] commands)
    {
        Answer answer = await CliRun.Line(line);
        Assert.Equal(1, answer.Code);
        Assert.Empty(answer.Out);
        Assert.Contains("Usage:", answer.Error, StringComparison.Ordinal);
        Assert.EndsWith($"needs a command: {string.Join(", ", commands)}.", answer.Error.TrimEnd(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--help", "mambaext [command]")]
    [InlineData("graph train --help", "mambaext graph train [options]")]
    [InlineData("bench scan --help", "--rounds")]
    [InlineData("--version", "0.")]
    public async Task Help_and_version_are_results(string line, string mention)
    {
        Answer answer = await CliRun.Line(line);
        Assert.Equal(0, answer.Code);
        Assert.Contains(mention, answer.Out, StringComparison.Ordinal);
        Assert.Empty(answer.Error);
    }

    [Fact]
    public async Task A_data_folder_that_is_not_there_is_wrong_use()
    {
        using var folder = new TemporaryFolder();
        string none = Path.Combine(folder.Path, "none");
        (await CliRun.Here("graph", "train", "--dataset", "cora", "--data", none)).Refuses(1, none, "does not exist");
        (await CliRun.Here("graph", "train", "--dataset", "cora", "--data", "")).Refuses(1, "--data is ''");
    }

    [Fact]
    public async Task Missing_files_are_named()
    {
        using var folder = new TemporaryFolder();
        (await CliRun.Here("graph", "train", "--dataset", "cora", "--data", folder.Path)).Refuses(1, "ind.cora.allx");
        folder.Write("deep", "ind.cora.x");
        (await CliRun.Here("graph", "train", "--dataset", "cora", "--data", folder.Path)).Refuses(1, "ind.cora.test.index", "deep");
        (await CliRun.Here("verify", folder.Path)).Refuses(1, "holds no golden file");
    }

    [Fact]
    public async Task A_damaged_file_fails_and_leaves_no_run_folder()
    {
        using var folder = new TemporaryFolder();
        string run = Path.Combine(folder.Path, "run");
        File.WriteAllBytes(folder.File("data", "minesweeper.npz"), [0x50, 0x4b, 3, 4, 20, 0, 0, 0, 0, 0]);
        (await CliRun.Here("graph", "train", "--dataset", "minesweeper", "--data", folder.Path, "--out", run)).Refuses(2, "minesweeper.npz");
        Assert.False(Directory.Exists(run));
    }

    [Fact]
    public async Task A_truncated_download_fails()
    {
        string whole = SharedData.Require("data", "graph", "heterophilous", "minesweeper.npz");
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.File("minesweeper.npz"), File.ReadAllBytes(whole)[..^1000]);
        (await CliRun.Here("graph", "train", "--dataset", "minesweeper", "--data", folder.Path)).Refuses(2, "minesweeper.npz");
    }

    [Fact]
    public async Task A_shape_larger_than_the_memory_is_refused_before_anything_is_made() =>
        (await CliRun.Line("bench scan --shape 4000x1000x1000x1 --dtype float64")).Refuses(1, "needs about", "GB");

    [Theory]
    [InlineData("MAMBAEXT_VECTOR_BITS", "77")]
    [InlineData("MAMBAEXT_THREADS", "-1")]
    public async Task A_wrong_environment_variable_is_named(string name, string value)
    {
        Answer answer = await CliRun.Process(["bench", "scan", "--shape", "1x1x1x1"], [(name, value)]);
        Assert.Equal(1, answer.Code);
        Assert.Empty(answer.Out);
        Assert.Contains($"{name} is '{value}'", answer.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", answer.Error, StringComparison.Ordinal);
    }
}
