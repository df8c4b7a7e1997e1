using System.CommandLine;
using System.CommandLine.Parsing;
using MambaExt.Data.Images;

namespace MambaExt.Cli.Commands;

/// <summary>Which images a distill command reads.</summary>
internal sealed class DistillDataOptions
{
    private readonly Option<string?> _dataSet = new("--dataset")
    {
        Description = $"Images: {string.Join(", ", ImageDataSets.All.Select(info => info.Name))}; digits needs no file.",
        HelpName = "NAME",
    };

    private readonly Option<string?> _data = CommonOptions.Folder("--data", "Folder that holds the data set's files, at any depth (default: MAMBAEXT_DATA).");
    private readonly Option<string?> _test = new("--test-file") { Description = "A file in the data set's own format in the place of its test part.", HelpName = "FILE" };

    public IEnumerable<Option> All => [_dataSet, _data, _test];

    /// <summary>Options whose value is a path.</summary>
    public IReadOnlyList<Option<string?>> Paths => [_data, _test];

    public void Check(CommandResult result)
    {
        if (result.GetResult(_dataSet) is null)
        {
            result.AddError($"--dataset is missing; known are {string.Join(", ", ImageDataSets.All.Select(info => info.Name))}.");
        }
    }

    public ImageDataSet Load(ParseResult parsed) =>
        ImageDataSets.Load(parsed.GetValue(_dataSet)!, parsed.GetValue(_data), new ImageLoadOptions { TestFile = parsed.GetValue(_test) is { } file ? Path.GetFullPath(file) : null });
}
