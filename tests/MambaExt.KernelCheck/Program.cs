Console.WriteLine("kernel check");
